// Agents come and go. What an agent says in its Hello is compared with what it should have
// (docs/formats/agent-protocol.md §6): state is exchanged, not history.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "coordinator/schedule/scheduler_impl.h"

namespace grange::schedule {

using lifecycle::FailureReason;

namespace {

std::string NameOf(const Agent& agent) {
  return agent.name.empty() ? agent.id.ToString() : absl::StrCat("agent '", agent.name, "'");
}

// "5 min", "96 s".
std::string SpanText(absl::Duration span) {
  const int64_t seconds = absl::ToInt64Seconds(span);
  return seconds % 60 == 0 ? absl::StrCat(seconds / 60, " min") : absl::StrCat(seconds, " s");
}

}  // namespace

void Scheduler::Impl::On(const AgentAdded& event) {
  Agent& agent = agents.FindOrMake(event.id, now);
  agent.name = event.name;
  agent.registered = true;
  if (!agent.connected()) agent.slots = event.slots;  // else what its Hello said stands
  agent.profile.tags = event.tags;
  SortUnique(agent.profile.tags);
  agent.profile.run_untagged = event.run_untagged;
  agent.profile.project = event.project;
  if (agents.Join(agent)) queue.GroupAdded(*agent.group);
  if (agent.draining != event.draining) {
    On(AgentDrainChanged{event.id, event.draining, event.drain_until - now});
  }
}

void Scheduler::Impl::On(const AgentRemoved& event) {
  Agent* agent = agents.Find(event.id);
  if (agent == nullptr) return;
  // Nothing is offered to it any more, also not what is now taken from it.
  agent->registered = false;
  agents.Refresh(*agent);
  const std::vector<JobId> held(agent->jobs.begin(), agent->jobs.end());
  for (const JobId id : held) {
    Job* job = FindJob(id);
    if (job->is_given()) {
      Lose(*job, FailureReason::kAgentLost,
           absl::StrCat("the agent was removed; it was ", NameOf(*agent)));
    } else {
      Withdraw(*job);
      Requeue(*job);
    }
  }
  ForgetDeclines(*agent);
  timers.Remove(TimerQueue::Kind::kAgentLost, agent->id);
  timers.Remove(TimerQueue::Kind::kPauseEnds, agent->id);
  agents.Remove(event.id);
}

void Scheduler::Impl::On(const AgentConnected& event) {
  Agent* agent = agents.Find(event.agent);
  if (agent == nullptr) return;  // the shell adds an agent before it lets it in
  agent->session = event.session;
  agent->slots = event.slots;
  agent->disconnected_at = absl::InfinitePast();
  agent->says_draining = false;
  agent->version = event.version;
  SetFeatures(*agent, event.features);
  timers.Remove(TimerQueue::Kind::kAgentLost, agent->id);
  if (agent->paused) EndPause(*agent);
  agent->declines_in_a_row = 0;
  ForgetDeclines(*agent);

  SendWelcome welcome{agent->id, agent->session, {}};
  std::vector<Decision> after;  // what follows the welcome
  absl::flat_hash_set<JobId> reported;
  for (const JobReport& report : event.jobs) {
    const SendWelcome::Verdict verdict = Reconcile(*agent, report);
    welcome.verdicts.push_back({report.assignment, verdict});
    const bool stays =
        verdict == SendWelcome::Verdict::kGoOn || verdict == SendWelcome::Verdict::kStart;
    if (!stays) continue;
    reported.insert(report.assignment.job);
    if (verdict == SendWelcome::Verdict::kStart) {
      after.push_back(SendStart{agent->id, agent->session, report.assignment});
    } else if (const JobNode& node = FindJob(report.assignment.job)->node; node.cancel_wanted) {
      after.push_back(
          SendCancel{agent->id, agent->session, report.assignment, node.cancel_by_force});
    }
  }
  turn.Send(std::move(welcome));
  // Before the starts: nothing is started whose time is over.
  if (agent->draining) SendDrainTo(*agent);
  for (Decision& decision : after) turn.Send(std::move(decision));

  const std::vector<JobId> held(agent->jobs.begin(), agent->jobs.end());
  for (const JobId id : held) {
    if (reported.contains(id)) continue;
    Job* job = FindJob(id);
    if (job->is_given()) {
      Lose(*job, FailureReason::kAgentForgot,
           absl::StrCat("the agent came back without it; ", NameOf(*agent),
                        " has lost its state directory or was set up anew"));
    } else {
      Withdraw(*job);
      Requeue(*job);
    }
  }
  TouchJobs(*agent);
  agents.Refresh(*agent);
}

// What it can do decides, as its tags do, which jobs it is offered.
void Scheduler::Impl::SetFeatures(Agent& agent, std::vector<std::string> features) {
  SortUnique(features);
  if (features == agent.profile.features) return;
  agent.profile.features = std::move(features);
  if (agent.group != nullptr && agents.Join(agent)) queue.GroupAdded(*agent.group);
}

SendWelcome::Verdict Scheduler::Impl::Reconcile(Agent& agent, const JobReport& report) {
  using Verdict = SendWelcome::Verdict;
  Job* job = Held(agent, report.assignment);
  if (job == nullptr || job->node.phase == Phase::kNone) {
    const bool done = report.phase == JobReport::Phase::kFinished && IsFinished(report.assignment);
    return done ? Verdict::kForget : Verdict::kRevoke;
  }
  if (report.phase == JobReport::Phase::kAccepted) {
    switch (job->node.phase) {
      case Phase::kOffered:
        // Who drained the agent was told that nothing starts on it any more.
        if (agent.draining) return Verdict::kRevoke;
        Grant(*job);
        return Verdict::kStart;
      case Phase::kGranted:
        // A cancel that it does not know of yet ends the job before it starts.
        return job->node.cancel_wanted ? Verdict::kGoOn : Verdict::kStart;
      case Phase::kRunning:  // it has lost the record of a start: never start again
      case Phase::kNone:
        return Verdict::kRevoke;
    }
  }
  if (!job->is_given()) return Verdict::kRevoke;  // it cannot have started what was not granted
  if (report.phase == JobReport::Phase::kRunning && job->node.phase == Phase::kGranted) {
    job->node.phase = Phase::kRunning;
    turn.Touch(*job);
  }
  return Verdict::kGoOn;
}

void Scheduler::Impl::On(const AgentDisconnected& event) {
  Agent* agent = Speaker(event.agent, event.session);
  if (agent == nullptr) return;
  agent->session = SessionId();
  agent->disconnected_at = now;
  agents.Refresh(*agent);
  // An offer that was not granted has started nothing: somebody else may have the job at once.
  WithdrawOffers(*agent, "its session has ended");
  TouchJobs(*agent);
  StartLostTimer(*agent);
}

void Scheduler::Impl::On(const AgentDrainChanged& event) {
  Agent* agent = agents.Find(event.agent);
  if (agent == nullptr) return;
  const absl::Time until = event.draining ? now + event.stop_after : absl::InfiniteFuture();
  const bool changed = agent->draining != event.draining || agent->drain_until != until;
  agent->draining = event.draining;
  agent->drain_until = until;
  if (!event.draining) agent->says_draining = false;
  agents.Refresh(*agent);
  if (changed && agent->connected()) SendDrainTo(*agent);
  // Nobody is told "it drains" while an accept that is under way could still be granted.
  if (agent->draining) WithdrawOffers(*agent, "the agent is being drained");
}

void Scheduler::Impl::SendDrainTo(const Agent& agent) {
  turn.Send(SendDrain{.agent = agent.id,
                      .session = agent.session,
                      .resume = !agent.draining,
                      .left = std::max(agent.drain_until - now, absl::ZeroDuration())});
}

void Scheduler::Impl::WithdrawOffers(const Agent& agent, absl::string_view reason) {
  const std::vector<JobId> held(agent.jobs.begin(), agent.jobs.end());
  for (const JobId id : held) {
    Job* job = FindJob(id);
    if (job->is_given()) continue;
    WithdrawAndTell(*job, reason);
    Requeue(*job);
  }
}

void Scheduler::Impl::TouchJobs(const Agent& agent) {
  for (const JobId id : agent.jobs) turn.Touch(*FindJob(id));
}

void Scheduler::Impl::StartLostTimer(Agent& agent) {
  if (agent.jobs.empty()) return;
  timers.Set(TimerQueue::Kind::kAgentLost, agent.id, agent.disconnected_at + options.lost_after);
}

void Scheduler::Impl::LoseAll(Agent& agent) {
  const std::string why = absl::StrCat(
      "no contact for ", SpanText(options.lost_after), "; ", NameOf(agent),
      " was last connected at ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", agent.disconnected_at, absl::UTCTimeZone()),
      ", check its machine");
  const std::vector<JobId> held(agent.jobs.begin(), agent.jobs.end());
  for (const JobId id : held) {
    Job* job = FindJob(id);
    if (job->is_given()) Lose(*job, FailureReason::kAgentLost, why);
  }
}

void Scheduler::Impl::ForgetDeclines(Agent& agent) {
  const std::vector<JobId> declined(agent.declined.begin(), agent.declined.end());
  agent.declined.clear();
  for (const JobId id : declined) {
    Job* job = FindJob(id);
    std::erase_if(job->declines, [&](const Decline& d) { return d.agent == agent.id; });
    if (job->declines.empty()) timers.Remove(TimerQueue::Kind::kDeclineEnds, id);
    queue.Reclassify(*job);
  }
}

void Scheduler::Impl::EndDeclines(Job& job) {
  for (const Decline& decline : job.declines) {
    if (decline.until > now) continue;
    if (Agent* agent = agents.Find(decline.agent)) agent->declined.erase(job.node.id);
  }
  std::erase_if(job.declines, [&](const Decline& d) { return d.until <= now; });
  if (!job.declines.empty()) {
    const auto next = std::ranges::min_element(job.declines, {}, &Decline::until);
    timers.Set(TimerQueue::Kind::kDeclineEnds, job.node.id, next->until);
  }
  queue.Reclassify(job);
}

void Scheduler::Impl::EndPause(Agent& agent) {
  timers.Remove(TimerQueue::Kind::kPauseEnds, agent.id);
  agent.paused = false;
  agent.declines_in_a_row = kDeclinesInARowMax - 1;  // one more decline pauses it again
  agents.Refresh(agent);
}

}  // namespace grange::schedule
