#include "coordinator/control/contact_note.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/control/convert.h"
#include "coordinator/lifecycle/failure_reason.h"

namespace grange::control {
namespace {

// The clause before the first "; ": the rest of a detail is for who looks closer.
std::string FirstClause(const std::string& detail) { return detail.substr(0, detail.find("; ")); }

// Why the attempt before this one, which waits, was not the last; "" if its script simply failed.
std::string WhyAgain(store::Store& store, const store::JobRow& row) {
  const absl::StatusOr<store::AttemptRow> before =
      store.GetAttempt(row.id, row.progress.attempt - 1);
  if (!before.ok() || !lifecycle::IsSystemFailure(before->reason)) return "";
  if (!before->detail.empty()) return FirstClause(before->detail);
  return std::string(lifecycle::FailureReasonName(before->reason));
}

}  // namespace

void AddContact(Backend& backend, store::Store& store, const store::JobRow& row, v1::Job* message) {
  const schedule::StoreJob& progress = row.progress;
  if (progress.state == lifecycle::JobState::kRunning && progress.agent.is_set()) {
    const absl::Time since = backend.AwaySince(progress.agent);
    if (since == absl::InfiniteFuture()) return message->set_note(backend.NoteOf(row.id));
    message->set_agent_unreachable_since_ms(ToMillis(since));
    message->set_stops_on_disconnect(backend.StopsOnDisconnect(row.id));
  } else if (progress.state == lifecycle::JobState::kPending && progress.attempt > 1) {
    const std::string why = WhyAgain(store, row);
    if (why.empty()) return;
    message->set_note(absl::StrCat(why, ", attempt ", progress.attempt, " of ",
                                   message->attempts_max(), " queued"));
  }
}

void AddContact(Backend& backend, store::Store& store, v1::ListPipelinesReply* reply) {
  const bool any_runs = std::any_of(reply->pipelines().begin(), reply->pipelines().end(),
                                    [](const v1::Pipeline& p) { return p.status() == "running"; });
  if (!any_runs) return;
  std::map<int64_t, absl::Time> away;  // by pipeline
  for (const schedule::Scheduler::AgentView& agent : backend.Agents()) {
    if (agent.connected) continue;
    for (const JobId job : agent.jobs) {
      const absl::StatusOr<store::JobRow> row = store.GetJob(job);
      if (!row.ok()) continue;
      const absl::Time since = backend.AwaySince(agent.id);
      const auto [known, is_new] = away.try_emplace(row->pipeline.value(), since);
      if (!is_new) known->second = std::min(known->second, since);
    }
  }
  for (v1::Pipeline& pipeline : *reply->mutable_pipelines()) {
    const auto found = away.find(pipeline.id());
    if (found != away.end()) pipeline.set_agent_unreachable_since_ms(ToMillis(found->second));
  }
}

}  // namespace grange::control
