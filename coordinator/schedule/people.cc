// What people ask for: cancel, retry, play. Check() says whether a request can be done, so that
// nobody is told "done" when nothing was.
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/schedule/scheduler_impl.h"

namespace grange::schedule {
namespace {

using lifecycle::JobEvent;
using lifecycle::JobState;

absl::Status Refused(const Job& job, absl::string_view why, absl::string_view next_step) {
  return absl::FailedPreconditionError(
      absl::StrCat("job ", job.node.id.value(), " '", job.node.name, "' ", why, "; ", next_step));
}

absl::Status CanCancel(const Job& job, bool force) {
  if (lifecycle::IsFinal(job.node.state)) {
    return Refused(job, absl::StrCat("has ended (", lifecycle::JobStateName(job.node.state), ")"),
                   "there is nothing to cancel");
  }
  if (job.node.cancel_by_force) {
    return Refused(job, "is being killed already", "its agent ends it as soon as it hears of it");
  }
  if (job.node.cancel_wanted && !force) {
    return Refused(
        job, "is being canceled already",
        absl::StrCat("its agent stops it as soon as it can; 'grangectl cancel-job --force ",
                     job.node.id.value(), "' kills it at once"));
  }
  return absl::OkStatus();
}

absl::Status CanRetry(const Job& job) {
  switch (job.node.state) {
    case JobState::kSuccess:
    case JobState::kFailed:
    case JobState::kCanceled:
      return absl::OkStatus();
    case JobState::kSkipped:
      return Refused(job, absl::StrCat("was skipped: ", job.detail),
                     "retry the job before it, and this one follows");
    case JobState::kManual:
      return Refused(job, "has not been started", "start it with 'grangectl play'");
    case JobState::kScheduled:
      return Refused(job, "waits for its time", "start it now with 'grangectl play'");
    case JobState::kCreated:
    case JobState::kPending:
    case JobState::kRunning:
      break;
  }
  return Refused(job, absl::StrCat("has not ended (", lifecycle::JobStateName(job.node.state), ")"),
                 "cancel it first with 'grangectl cancel-job'");
}

absl::Status CanPlay(const Job& job) {
  switch (job.node.state) {
    case JobState::kManual:
    case JobState::kScheduled:
      return absl::OkStatus();
    case JobState::kCreated:
      return Refused(
          job, "is not ready",
          absl::StrCat("'grangectl why ", job.node.id.value(), "' says what it waits for"));
    case JobState::kPending:
    case JobState::kRunning:
      return Refused(job, "is started already", "there is nothing to do");
    case JobState::kSkipped:
      return Refused(job, absl::StrCat("was skipped: ", job.detail),
                     "retry the job before it, and this one follows");
    case JobState::kSuccess:
    case JobState::kFailed:
    case JobState::kCanceled:
      break;
  }
  return Refused(job, absl::StrCat("has ended (", lifecycle::JobStateName(job.node.state), ")"),
                 "run it again with 'grangectl retry-job'");
}

bool IsToRetry(const Job& job) {
  return job.node.state == JobState::kFailed || job.node.state == JobState::kCanceled;
}

absl::Status NoPipeline(PipelineId id) {
  return absl::NotFoundError(
      absl::StrCat("pipeline ", id.value(), " is not in memory: it does not exist or has ended"));
}

}  // namespace

void Scheduler::Impl::On(const CancelPipeline& event) {
  Pipeline* pipeline = FindPipeline(event.pipeline);
  if (pipeline == nullptr) return;
  for (const std::unique_ptr<Job>& job : pipeline->graph.jobs()) Cancel(*job, event.force);
}

void Scheduler::Impl::On(const CancelJob& event) {
  if (Job* job = FindJob(event.job)) Cancel(*job, event.force);
}

void Scheduler::Impl::Cancel(Job& job, bool force) {
  if (!CanCancel(job, force).ok()) return;
  if (job.is_given()) {
    job.node.cancel_wanted = true;
    job.node.cancel_by_force = force;
    turn.Touch(job);
    const Agent* agent = agents.Find(job.node.agent);
    if (agent != nullptr && agent->connected()) {
      turn.Send(SendCancel{agent->id, agent->session, job.assignment(), force});
    }
    return;
  }
  if (job.node.phase == Phase::kOffered) WithdrawAndTell(job, "the job was canceled");
  queue.Remove(job);
  timers.Remove(TimerQueue::Kind::kJobPlays, job.node.id);
  ClearDeclines(job);
  job.node.reason = lifecycle::FailureReason::kCanceled;
  job.node.finished_at = now;
  Move(job, JobEvent::kCanceled);
}

void Scheduler::Impl::On(const RetryPipeline& event) {
  Pipeline* pipeline = FindPipeline(event.pipeline);
  if (pipeline == nullptr) return;
  std::vector<Job*> again;
  for (const std::unique_ptr<Job>& job : pipeline->graph.jobs()) {
    if (IsToRetry(*job)) again.push_back(job.get());
  }
  // Each waits again for its place in the graph. Those that were skipped first, while the graph
  // still shows what ruled them out.
  for (Job* job : again) {
    for (Job* skipped : pipeline->graph.SkippedAfter(*job)) Revive(*skipped);
  }
  for (Job* job : again) {
    NewAttempt(*job);
    job->node.automatic_retries = 0;
    Move(*job, JobEvent::kRevived);
  }
}

void Scheduler::Impl::On(const RetryJob& event) {
  Job* job = FindJob(event.job);
  if (job == nullptr || !CanRetry(*job).ok()) return;
  for (Job* skipped : job->pipeline->graph.SkippedAfter(*job)) Revive(*skipped);
  NewAttempt(*job);
  job->node.automatic_retries = 0;
  job->node.played = true;
  Move(*job, JobEvent::kRequeued);
  Enqueue(*job);
}

void Scheduler::Impl::On(const PlayJob& event) {
  Job* job = FindJob(event.job);
  if (job == nullptr || !CanPlay(*job).ok()) return;
  for (Job* skipped : job->pipeline->graph.SkippedAfter(*job)) Revive(*skipped);
  timers.Remove(TimerQueue::Kind::kJobPlays, job->node.id);
  job->node.automatic_retries = 0;
  job->node.played = true;
  Move(*job, JobEvent::kPlayed);
  Enqueue(*job);
}

void Scheduler::Impl::Revive(Job& job) {
  job.detail.clear();
  job.node.finished_at = absl::InfinitePast();
  Move(job, JobEvent::kRevived);
}

absl::Status Scheduler::Impl::CheckJob(
    JobId id, absl::FunctionRef<absl::Status(const Job& job)> check) const {
  const Job* job = FindJob(id);
  if (job == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("job ", id.value(), " is not in memory: it does not exist or has ended"));
  }
  return check(*job);
}

absl::Status Scheduler::Impl::Check(const Event& request) const {
  if (const auto* cancel = std::get_if<CancelJob>(&request)) {
    return CheckJob(cancel->job, [&](const Job& job) { return CanCancel(job, cancel->force); });
  }
  if (const auto* retry = std::get_if<RetryJob>(&request)) return CheckJob(retry->job, CanRetry);
  if (const auto* play = std::get_if<PlayJob>(&request)) return CheckJob(play->job, CanPlay);
  if (const auto* cancel = std::get_if<CancelPipeline>(&request)) {
    const Pipeline* pipeline = FindPipeline(cancel->pipeline);
    if (pipeline == nullptr) return NoPipeline(cancel->pipeline);
    for (const std::unique_ptr<Job>& job : pipeline->graph.jobs()) {
      if (CanCancel(*job, cancel->force).ok()) return absl::OkStatus();
    }
    return absl::FailedPreconditionError(
        absl::StrCat("pipeline ", cancel->pipeline.value(), " has nothing to cancel: it is ",
                     lifecycle::PipelineStateName(pipeline->state),
                     ", and what still runs is being canceled already",
                     cancel->force ? "" : "; 'grangectl cancel --force' kills it at once"));
  }
  if (const auto* retry = std::get_if<RetryPipeline>(&request)) {
    const Pipeline* pipeline = FindPipeline(retry->pipeline);
    if (pipeline == nullptr) return NoPipeline(retry->pipeline);
    for (const std::unique_ptr<Job>& job : pipeline->graph.jobs()) {
      if (IsToRetry(*job)) return absl::OkStatus();
    }
    return absl::FailedPreconditionError(
        absl::StrCat("pipeline ", retry->pipeline.value(),
                     " has nothing to retry: none of its jobs has failed or was canceled; run one "
                     "again with 'grangectl retry-job', or all with 'grangectl submit'"));
  }
  return absl::OkStatus();
}

}  // namespace grange::schedule
