#include "coordinator/schedule/scheduler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "coordinator/schedule/scheduler_impl.h"

namespace grange::schedule {

using lifecycle::JobEvent;
using lifecycle::JobState;
using lifecycle::PipelineState;
using lifecycle::When;

Scheduler::Scheduler(SchedulerOptions options) : impl_(std::make_unique<Impl>(options)) {}

Scheduler::~Scheduler() = default;

std::vector<Decision> Scheduler::Apply(const Event& event, absl::Time now) {
  impl_->now = now;
  std::visit([this](const auto& e) { impl_->On(e); }, event);
  return impl_->Conclude();
}

absl::Time Scheduler::NextDeadline() const { return impl_->timers.NextDeadline(); }

absl::Status Scheduler::Check(const Event& request) const { return impl_->Check(request); }

absl::StatusOr<Explanation> Scheduler::Why(JobId job, absl::Time now) const {
  const Job* found = impl_->FindJob(job);
  if (found == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("job ", job.value(), " is not in memory: it does not exist or has ended"));
  }
  return impl_->Why(*found, now);
}

bool Scheduler::Knows(PipelineId pipeline) const {
  return impl_->FindPipeline(pipeline) != nullptr;
}

std::vector<Scheduler::AgentView> Scheduler::Agents() const {
  std::vector<AgentView> views;
  for (const auto& [id, agent] : impl_->agents.agents()) {
    if (!agent->registered) continue;
    views.push_back({.id = id,
                     .connected = agent->connected(),
                     .draining = agent->draining || agent->says_draining,
                     .slots = agent->slots,
                     .jobs = {agent->jobs.begin(), agent->jobs.end()},
                     .disconnected_at = agent->disconnected_at,
                     .features = agent->profile.features});
  }
  return views;
}

void Scheduler::Impl::On(const PipelineAdded& event) {
  // What is in memory is newer than any row.
  if (FindPipeline(event.id) != nullptr || ended.IsStale(event)) return;
  std::vector<std::unique_ptr<Job>> added;
  for (const JobNode& node : event.jobs) {
    auto job = std::make_unique<Job>();
    job->node = node;
    job->index = static_cast<int>(added.size());
    job->allowed_to_fail = node.state == JobState::kFailed && AllowedToFail(node);
    SortUnique(job->node.tags);
    SortUnique(job->node.features);
    added.push_back(std::move(job));
  }
  auto made = std::make_unique<Pipeline>(event, std::move(added));
  Pipeline& pipeline = *made;
  pipelines.emplace(event.id, std::move(made));
  for (const std::unique_ptr<Job>& job : pipeline.graph.jobs()) {
    job->pipeline = &pipeline;
    jobs[job->node.id] = job.get();
    Count(*job);
    Restore(*job);
  }
  if (!pipeline.graph.jobs().empty() && lifecycle::IsFinal(pipeline.tally.State())) {
    pipeline.state = pipeline.tally.State();
    return KeepVisitor(event.id);
  }
  turn.Touch(pipeline);
}

void Scheduler::Impl::Restore(Job& job) {
  if (job.node.state == JobState::kScheduled) {
    timers.Set(TimerQueue::Kind::kJobPlays, job.node.id, job.node.play_at);
  }
  if (job.node.phase == Phase::kNone) {
    if (job.node.state == JobState::kPending) queue.Push(job);
    return;
  }
  Agent& agent = agents.FindOrMake(job.node.agent, now);
  agent.jobs.insert(job.node.id);
  agents.Refresh(agent);
  if (job.node.phase == Phase::kOffered) {
    timers.Set(TimerQueue::Kind::kOfferExpires, job.node.id, now + options.offer_timeout);
  } else if (!agent.connected() && !timers.Has(TimerQueue::Kind::kAgentLost, agent.id)) {
    // Our own absence never makes a job lost: the countdown begins now.
    timers.Set(TimerQueue::Kind::kAgentLost, agent.id, now + options.lost_after);
  }
}

void Scheduler::Impl::On(const Tick&) {
  while (const std::optional<TimerQueue::Timer> timer = timers.PopDue(now)) {
    switch (timer->kind) {
      case TimerQueue::Kind::kOfferExpires:
        if (Job* job = FindJob(JobId(timer->subject))) {
          Agent* agent = agents.Find(job->node.agent);
          WithdrawAndTell(*job, "the offer was not accepted in time");
          if (agent != nullptr && agent->connected()) {
            NoteDecline(*job, *agent, "it did not answer the last offer in time");
            agents.Refresh(*agent);
          }
          Requeue(*job);
        }
        break;
      case TimerQueue::Kind::kAgentLost:
        if (Agent* agent = agents.Find(AgentId(timer->subject))) LoseAll(*agent);
        break;
      case TimerQueue::Kind::kJobPlays:
        if (Job* job = FindJob(JobId(timer->subject))) {
          Move(*job, JobEvent::kPlayed);
          Enqueue(*job);
        }
        break;
      case TimerQueue::Kind::kDeclineEnds:
        if (Job* job = FindJob(JobId(timer->subject))) EndDeclines(*job);
        break;
      case TimerQueue::Kind::kPauseEnds:
        if (Agent* agent = agents.Find(AgentId(timer->subject))) EndPause(*agent);
        break;
    }
  }
}

std::vector<Decision> Scheduler::Impl::Conclude() {
  AdvanceGraphs();
  OfferAll();
  std::vector<PipelineId> done;
  for (Pipeline* pipeline : turn.touched()) {
    ConcludePipeline(*pipeline);
    if (lifecycle::IsFinal(pipeline->state)) done.push_back(pipeline->id);
  }
  std::vector<Decision> decisions = turn.Take();
  for (const PipelineId id : done) Drop(*FindPipeline(id));
  return decisions;
}

void Scheduler::Impl::AdvanceGraphs() {
  bool again = true;
  while (again) {
    again = false;
    std::vector<Job*> batch;
    batch.swap(moved);
    for (Job* job : batch) job->pipeline->graph.Update(*job);
    // By index: Place() may touch pipelines, though only those that are touched already.
    for (size_t i = 0; i < turn.touched().size(); ++i) {
      while (Job* job = turn.touched()[i]->graph.NextCandidate()) {
        Place(*job);
        again = again || !moved.empty();
      }
    }
  }
}

void Scheduler::Impl::Place(Job& job) {
  const JobGraph::Judgement judgement = job.pipeline->graph.Judge(job);
  switch (judgement.kind) {
    case JobGraph::Judgement::Kind::kWait:
      return;
    case JobGraph::Judgement::Kind::kRuleOut:
      job.detail = judgement.detail;
      job.node.finished_at = now;
      return Move(job, JobEvent::kRuledOut);
    case JobGraph::Judgement::Kind::kRun:
      break;
  }
  if (!job.node.played && job.node.when == When::kManual) {
    return Move(job, JobEvent::kHeldForPlay);
  }
  if (!job.node.played && job.node.when == When::kDelayed) {
    job.node.play_at = now + job.node.start_in;
    timers.Set(TimerQueue::Kind::kJobPlays, job.node.id, job.node.play_at);
    return Move(job, JobEvent::kTimerStarted);
  }
  Move(job, JobEvent::kReady);
  Enqueue(job);
}

void Scheduler::Impl::ConcludePipeline(Pipeline& pipeline) {
  const PipelineState state = pipeline.tally.State();
  if (state == pipeline.state && !pipeline.row_changed && !lifecycle::IsFinal(state)) return;
  pipeline.row_changed = false;
  pipeline.state = state;
  pipeline.finished_at = lifecycle::IsFinal(state) ? now : absl::InfinitePast();
  std::string failure;
  if (state == PipelineState::kFailed) {
    for (const std::unique_ptr<Job>& job : pipeline.graph.jobs()) {
      if (job->outcome != Outcome::kFailed) continue;
      failure = absl::StrCat("job '", job->node.name,
                             "' failed: ", lifecycle::FailureReasonText(job->node.reason));
      break;
    }
  }
  turn.Store(pipeline, std::move(failure));
}

void Scheduler::Impl::Drop(Pipeline& pipeline) {
  ended.Add(pipeline);
  for (const std::unique_ptr<Job>& job : pipeline.graph.jobs()) {
    ClearDeclines(*job);
    jobs.erase(job->node.id);
  }
  std::erase(visitors, pipeline.id);
  pipelines.erase(pipeline.id);
}

void Scheduler::Impl::KeepVisitor(PipelineId id) {
  visitors.push_back(id);
  if (visitors.size() > kVisitorsMax) Drop(*FindPipeline(visitors.front()));
}

void Scheduler::Impl::Move(Job& job, JobEvent event) {
  const absl::StatusOr<JobState> next = lifecycle::NextState(job.node.state, event);
  GRANGE_CHECK(next.ok());
  Pipeline& pipeline = *job.pipeline;
  // A final pipeline whose job moves is being run again: it stays until it ends once more.
  if (!visitors.empty()) std::erase(visitors, pipeline.id);
  pipeline.tally.Remove(job.counted);
  job.node.state = *next;
  Count(job);
  turn.Touch(job);
  moved.push_back(&job);
}

void Scheduler::Impl::Count(Job& job) {
  const bool may_fail =
      job.node.state == JobState::kFailed ? job.allowed_to_fail : job.node.allow_failure.always;
  job.counted = {job.node.state, may_fail, job.node.when};
  job.pipeline->tally.Add(job.counted);
}

Job* Scheduler::Impl::FindJob(JobId id) const {
  const auto found = jobs.find(id);
  return found == jobs.end() ? nullptr : found->second;
}

Pipeline* Scheduler::Impl::FindPipeline(PipelineId id) const {
  const auto found = pipelines.find(id);
  return found == pipelines.end() ? nullptr : found->second.get();
}

}  // namespace grange::schedule
