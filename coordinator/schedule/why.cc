// Why a job is not (yet) running, in words that name the place and the next step.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/schedule/scheduler_impl.h"

namespace grange::schedule {
namespace {

using lifecycle::JobState;

constexpr size_t kNamesMax = 5;  // a sentence with more names is no longer read

std::string Quoted(const std::string& name) { return absl::StrCat("'", name, "'"); }

std::string Several(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() == kNamesMax) break;
    shown.push_back(Quoted(name));
  }
  std::string text = absl::StrJoin(shown, ", ");
  if (names.size() > kNamesMax) absl::StrAppend(&text, " and ", names.size() - kNamesMax, " more");
  return text;
}

std::string Plural(size_t count, absl::string_view one, absl::string_view many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

std::string Clock(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Span(absl::Duration span) {
  return absl::FormatDuration(absl::Trunc(std::max(span, absl::ZeroDuration()), absl::Seconds(1)));
}

// "is running", "waits for an agent", …: of a job that others wait for.
absl::string_view Doing(const Job& job) {
  switch (job.node.state) {
    case JobState::kCreated:
      return "is not ready itself";
    case JobState::kPending:
      return "waits for an agent";
    case JobState::kRunning:
      return "is running";
    case JobState::kManual:
      return "waits for a person";
    case JobState::kScheduled:
      return "waits for its time";
    case JobState::kSuccess:
      return "has succeeded";
    case JobState::kFailed:
      return "has failed";
    case JobState::kCanceled:
      return "was canceled";
    case JobState::kSkipped:
      return "was skipped";
  }
  return "";
}

void ExplainCreated(const Job& job, Explanation& out) {
  const std::vector<const Job*> open = job.pipeline->graph.OpenBefore(job);
  const Job* held = nullptr;
  for (size_t i = 0; i < open.size(); ++i) {
    const Job& before = *open[i];
    if (before.node.state == JobState::kManual) held = &before;
    if (i == kNamesMax) {
      out.reasons.push_back(absl::StrCat("and ", open.size() - i, " jobs more"));
    }
    if (i >= kNamesMax) continue;
    if (job.node.has_needs) {
      out.reasons.push_back(absl::StrCat("needs '", before.node.name, "', which ", Doing(before)));
      continue;
    }
    const size_t stage = static_cast<size_t>(before.node.stage);
    const std::vector<std::string>& stages = job.pipeline->stages;
    out.reasons.push_back(absl::StrCat("stage '", stage < stages.size() ? stages[stage] : "",
                                       "' is not finished: job '", before.node.name, "' ",
                                       Doing(before)));
  }
  if (held != nullptr) {
    out.next_step = absl::StrCat("grangectl play ", held->node.id.value());
  } else if (!open.empty()) {
    out.next_step = absl::StrCat("grangectl why ", open.front()->node.id.value());
  }
}

// What is wrong with every agent: none has the tags, or none may run the project.
void ExplainNoFit(const Job& job, const AgentPool& pool, Explanation& out) {
  std::vector<const Agent*> allowed;
  std::vector<std::string> known_tags;
  for (const auto& [id, agent] : pool.agents()) {
    if (!agent->registered) continue;
    if (agent->profile.project.is_set() && agent->profile.project != job.pipeline->project)
      continue;
    allowed.push_back(agent.get());
    known_tags.insert(known_tags.end(), agent->profile.tags.begin(), agent->profile.tags.end());
  }
  std::ranges::sort(known_tags);
  known_tags.erase(std::unique(known_tags.begin(), known_tags.end()), known_tags.end());
  out.next_step = "grangectl agents";
  if (allowed.empty()) {
    out.reasons.push_back(absl::StrCat("no agent is registered that may run jobs of project '",
                                       job.pipeline->project_name,
                                       "'; make a token and register one with it"));
    out.next_step = "grangectl token create --registration";
    return;
  }
  if (job.node.tags.empty()) {
    out.reasons.push_back(
        "the job has no tags, and every agent takes tagged jobs only; give the job a tag, or "
        "register an agent without --no-untagged");
    return;
  }
  const std::string has = known_tags.empty()
                              ? "the agents have no tags"
                              : absl::StrCat("tags there are: ", Several(known_tags));
  for (const std::string& tag : job.node.tags) {
    if (std::ranges::binary_search(known_tags, tag)) continue;
    out.reasons.push_back(absl::StrCat("no agent has tag '", tag, "'; ", has));
  }
  if (out.reasons.empty()) {
    out.reasons.push_back(
        absl::StrCat("no agent has all of the tags ", Several(job.node.tags), "; ", has));
  }
}

void ExplainPending(const Job& job, const AgentPool& pool, absl::Time now, Explanation& out) {
  std::vector<const Agent*> fitting;
  for (const auto& [id, agent] : pool.agents()) {
    if (agent->registered && Fits(agent->profile, job.pipeline->project, job.node.tags)) {
      fitting.push_back(agent.get());
    }
  }
  if (fitting.empty()) return ExplainNoFit(job, pool, out);
  out.next_step = "grangectl agents";

  std::vector<std::string> away;
  std::vector<std::string> draining;
  size_t busy = 0;
  int slots = 0;
  for (const Agent* agent : fitting) {
    const auto declined = std::ranges::find(job.declines, agent->id, &Decline::agent);
    const std::vector<std::string> lacking = Lacking(agent->profile, job.node.features);
    if (!agent->connected()) {
      away.push_back(agent->name);
    } else if (!lacking.empty()) {
      out.reasons.push_back(absl::StrCat("agent '", agent->name, "' is of version ",
                                         agent->version.empty() ? "unknown" : agent->version,
                                         " and lacks ", Several(lacking), ": upgrade it"));
    } else if (agent->draining || agent->says_draining) {
      draining.push_back(agent->name);
    } else if (declined != job.declines.end()) {
      out.reasons.push_back(absl::StrCat("agent '", agent->name,
                                         "' declined it: ", declined->reason,
                                         "; it is asked again in ", Span(declined->until - now)));
    } else if (agent->paused) {
      out.reasons.push_back(absl::StrCat("agent '", agent->name,
                                         "' declined several jobs in a row and is left alone for "
                                         "a moment"));
    } else {
      ++busy;
      slots += agent->slots;
    }
  }
  if (away.size() == fitting.size()) {
    bool any = false;
    for (const auto& [id, agent] : pool.agents()) any = any || agent->connected();
    out.reasons.push_back(any ? absl::StrCat("no agent that may run it is connected; start one of ",
                                             Several(away), " with 'grange-agent run'")
                              : absl::StrCat("no agent is connected; start one of ", Several(away),
                                             " with 'grange-agent run'"));
    return;
  }
  if (busy == 1) {
    out.reasons.push_back(absl::StrCat("all ", Plural(static_cast<size_t>(slots), "slot", "slots"),
                                       " of the one agent that may run it are busy"));
  } else if (busy > 1) {
    out.reasons.push_back(absl::StrCat("all ", Plural(static_cast<size_t>(slots), "slot", "slots"),
                                       " of the ", busy, " agents that may run it are busy"));
  }
  for (const std::string& name : draining) {
    out.reasons.push_back(absl::StrCat("agent '", name, "' is draining; 'grangectl agent resume ",
                                       name, "' lets it take jobs again"));
  }
  if (!away.empty()) {
    out.reasons.push_back(absl::StrCat(away.size() == 1 ? "agent " : "agents ", Several(away),
                                       away.size() == 1 ? " is" : " are", " not connected"));
  }
}

void ExplainGiven(const Job& job, const Agent* agent, absl::Time now, Explanation& out) {
  const std::string name =
      agent == nullptr || agent->name.empty() ? job.node.agent.ToString() : Quoted(agent->name);
  if (job.node.phase == Phase::kOffered) {
    out.reasons.push_back(absl::StrCat("offered to agent ", name, ", which has not answered yet"));
    return;
  }
  std::string text = absl::StrCat("running on agent ", name);
  if (job.node.phase == Phase::kGranted) text = absl::StrCat("being prepared by agent ", name);
  if (agent == nullptr || !agent->connected()) {
    const absl::Time since = agent == nullptr ? now : agent->disconnected_at;
    absl::StrAppend(&text, ", which is unreachable since ", Clock(since), " (", Span(now - since),
                    "); the job goes on there");
  }
  out.reasons.push_back(text);
  if (agent != nullptr && agent->drain_until != absl::InfiniteFuture()) {
    out.reasons.push_back(absl::StrCat("that agent is draining, and stops it at ",
                                       Clock(agent->drain_until), " if it still runs then"));
  }
  if (job.node.cancel_wanted) {
    out.reasons.push_back("it is being canceled");
    return;
  }
  out.next_step = absl::StrCat("grangectl logs ", job.node.id.value(), " -f");
}

}  // namespace

Explanation Scheduler::Impl::Why(const Job& job, absl::Time at) const {
  Explanation out{.state = job.node.state, .reasons = {}, .next_step = ""};
  const std::string id = absl::StrCat(job.node.id.value());
  switch (job.node.state) {
    case JobState::kCreated:
      ExplainCreated(job, out);
      break;
    case JobState::kPending:
      if (job.node.phase == Phase::kOffered) {
        ExplainGiven(job, agents.Find(job.node.agent), at, out);
      } else if (!offers_paused.empty()) {
        out.reasons.push_back(absl::StrCat("no job is given away: ", offers_paused));
      } else {
        ExplainPending(job, agents, at, out);
      }
      break;
    case JobState::kRunning:
      ExplainGiven(job, agents.Find(job.node.agent), at, out);
      break;
    case JobState::kManual:
      out.next_step = absl::StrCat("grangectl play ", id);
      out.reasons.push_back(
          absl::StrCat("waits for a person: start it with 'grangectl play ", id, "'"));
      break;
    case JobState::kScheduled:
      out.next_step = absl::StrCat("grangectl play ", id);
      out.reasons.push_back(absl::StrCat("delayed until ", Clock(job.node.play_at), " (",
                                         Span(job.node.play_at - at), " from now)"));
      break;
    case JobState::kSuccess:
      out.reasons.push_back("it has succeeded");
      break;
    case JobState::kFailed:
      out.reasons.push_back(absl::StrCat("it failed (",
                                         lifecycle::FailureReasonName(job.node.reason),
                                         "): ", lifecycle::FailureReasonText(job.node.reason)));
      if (job.node.reason == lifecycle::FailureReason::kScriptFailure) {
        out.reasons.back() += absl::StrCat("; exit code ", job.node.exit_code);
      }
      if (job.allowed_to_fail) out.reasons.push_back("it is allowed to fail");
      out.next_step = absl::StrCat("grangectl logs ", id);
      break;
    case JobState::kCanceled:
      out.reasons.push_back("it was canceled");
      out.next_step = absl::StrCat("grangectl retry-job ", id);
      break;
    case JobState::kSkipped:
      out.reasons.push_back(
          absl::StrCat("it was skipped", job.detail.empty() ? "" : ": ", job.detail));
      break;
  }
  return out;
}

}  // namespace grange::schedule
