// How a job changes hands: queued, offered, granted, finished. Every step that changes who may run
// it raises the fence (docs/formats/agent-protocol.md §5).
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/schedule/scheduler_impl.h"

namespace grange::schedule {

using lifecycle::FailureReason;
using lifecycle::JobEvent;
using lifecycle::JobState;

void Scheduler::Impl::On(const JobAccepted& event) {
  Agent* agent = Speaker(event.agent, event.session);
  if (agent == nullptr) return;
  Job* job = Held(*agent, event.assignment);
  if (job == nullptr || job->node.phase == Phase::kNone) {
    return Refuse(*agent, event.assignment, false);
  }
  if (job->node.phase != Phase::kOffered) return;  // repeated; its JobStart is on the way
  Grant(*job);
  turn.Send(SendStart{agent->id, agent->session, event.assignment});
}

void Scheduler::Impl::On(const JobDeclined& event) {
  Agent* agent = Speaker(event.agent, event.session);
  if (agent == nullptr) return;
  Job* job = Held(*agent, event.assignment);
  if (job == nullptr || job->node.phase != Phase::kOffered) return;  // it does not hold it anyway
  Withdraw(*job);
  if (absl::StrContains(event.reason, "draining")) {
    agent->says_draining = true;
  } else {
    NoteDecline(*job, *agent, event.reason);
  }
  agents.Refresh(*agent);
  Requeue(*job);
}

void Scheduler::Impl::On(const JobUnofferable& event) {
  Job* job = FindJob(event.assignment.job);
  if (job == nullptr || job->assignment() != event.assignment) return;
  if (job->node.phase != Phase::kOffered && job->node.phase != Phase::kGranted) return;
  const Agent* agent = agents.Find(job->node.agent);
  if (job->node.phase == Phase::kGranted && agent != nullptr && agent->connected()) {
    turn.Send(SendRevoke{agent->id, agent->session, job->assignment(), event.detail});
  }
  LeaveAgent(*job);
  ClearDeclines(*job);
  job->node.fence = NextFence();
  job->node.finished_at = now;
  job->node.reason = FailureReason::kPrepareFailed;
  job->detail = event.detail;
  job->allowed_to_fail = AllowedToFail(job->node);
  Move(*job, JobEvent::kFailed);
}

void Scheduler::Impl::On(const JobStarted& event) {
  Agent* agent = Speaker(event.agent, event.session);
  if (agent == nullptr) return;
  Job* job = Held(*agent, event.assignment);
  if (job == nullptr || !job->is_given()) return Refuse(*agent, event.assignment, false);
  if (job->node.phase == Phase::kRunning) return;
  job->node.phase = Phase::kRunning;
  turn.Touch(*job);
}

void Scheduler::Impl::On(const JobFinished& event) {
  Agent* agent = Speaker(event.agent, event.session);
  if (agent == nullptr) return;
  Job* job = Held(*agent, event.assignment);
  if (job == nullptr || !job->is_given()) return Refuse(*agent, event.assignment, true);
  finished.Add(event.assignment);
  Finish(*job, event.reason, event.exit_code);
  turn.Send(SendForget{agent->id, agent->session, event.assignment});
}

// The same agent is not asked about this job again for a while, and one that declines everything
// is left alone: else the two would go round in circles while other agents are idle.
void Scheduler::Impl::NoteDecline(Job& job, Agent& agent, absl::string_view reason) {
  const absl::Time until = now + options.decline_pause;
  job.declines.push_back({agent.id, until, std::string(reason)});
  std::ranges::sort(job.declines, {}, &Decline::agent);
  agent.declined.insert(job.node.id);
  const auto next = std::ranges::min_element(job.declines, {}, &Decline::until);
  timers.Set(TimerQueue::Kind::kDeclineEnds, job.node.id, next->until);
  if (++agent.declines_in_a_row >= kDeclinesInARowMax) {
    agent.paused = true;
    timers.Set(TimerQueue::Kind::kPauseEnds, agent.id, until);
  }
}

void Scheduler::Impl::Enqueue(Job& job) {
  if (job.node.attempt == 0) job.node.attempt = 1;
  job.node.queued_at = now;
  job.node.play_at = absl::InfiniteFuture();
  turn.Touch(job);
  queue.Push(job);
}

void Scheduler::Impl::OfferAll() {
  if (!offers_paused.empty()) return;
  while (const std::optional<JobQueue::Match> match = queue.Next()) {
    Offer(*match->job, *agents.Find(match->agent));
  }
}

void Scheduler::Impl::Offer(Job& job, Agent& agent) {
  queue.Remove(job);
  job.node.phase = Phase::kOffered;
  job.node.agent = agent.id;
  job.node.fence = NextFence();
  agent.jobs.insert(job.node.id);
  agents.Refresh(agent);
  timers.Set(TimerQueue::Kind::kOfferExpires, job.node.id, now + options.offer_timeout);
  turn.Touch(job);
  turn.Send(SendOffer{agent.id, agent.session, job.assignment()});
}

void Scheduler::Impl::Withdraw(Job& job) {
  LeaveAgent(job);
  job.node.agent = AgentId();
  job.node.fence = NextFence();
  turn.Touch(job);
}

void Scheduler::Impl::Requeue(Job& job) {
  Move(job, JobEvent::kRequeued);
  queue.Push(job);
}

void Scheduler::Impl::WithdrawAndTell(Job& job, absl::string_view reason) {
  const Agent* agent = agents.Find(job.node.agent);
  if (agent != nullptr && agent->connected()) {
    turn.Send(SendRevoke{agent->id, agent->session, job.assignment(), std::string(reason)});
  }
  Withdraw(job);
}

void Scheduler::Impl::Grant(Job& job) {
  timers.Remove(TimerQueue::Kind::kOfferExpires, job.node.id);
  job.node.phase = Phase::kGranted;
  job.node.started_at = now;
  ClearDeclines(job);
  if (Agent* agent = agents.Find(job.node.agent)) agent->declines_in_a_row = 0;
  Pipeline& pipeline = *job.pipeline;
  if (pipeline.started_at == absl::InfinitePast()) {
    pipeline.started_at = now;
    pipeline.row_changed = true;
  }
  Move(job, JobEvent::kGranted);
}

void Scheduler::Impl::Finish(Job& job, FailureReason reason, int exit_code) {
  LeaveAgent(job);
  if (reason == FailureReason::kNone && exit_code != 0) reason = FailureReason::kScriptFailure;
  job.node.exit_code = exit_code;
  job.node.finished_at = now;
  if (job.node.cancel_wanted || reason == FailureReason::kCanceled) {
    job.node.reason = FailureReason::kCanceled;
    return Move(job, JobEvent::kCanceled);
  }
  job.node.reason = reason;
  if (reason == FailureReason::kNone) return Move(job, JobEvent::kSucceeded);
  job.allowed_to_fail = AllowedToFail(job.node);
  Move(job, JobEvent::kFailed);
  if (!lifecycle::ShouldRetry(job.node.retry, job.node.automatic_retries, reason, exit_code)) {
    return;
  }
  // Those that come after it see nothing of this: their graph is told of the state at the end of
  // the turn.
  turn.Write(job);
  Move(job, JobEvent::kRequeued);
  NewAttempt(job);
  ++job.node.automatic_retries;
  Enqueue(job);
}

void Scheduler::Impl::Lose(Job& job, FailureReason reason, absl::string_view why) {
  job.node.fence = NextFence();
  job.detail = absl::StrCat("lost: ", why);
  Finish(job, reason, 0);
}

void Scheduler::Impl::LeaveAgent(Job& job) {
  timers.Remove(TimerQueue::Kind::kOfferExpires, job.node.id);
  job.node.phase = Phase::kNone;
  if (Agent* agent = agents.Find(job.node.agent)) {
    agent->jobs.erase(job.node.id);
    agents.Refresh(*agent);
  }
}

void Scheduler::Impl::NewAttempt(Job& job) {
  JobNode& node = job.node;
  ++node.attempt;
  node.agent = AgentId();
  node.reason = FailureReason::kNone;
  node.exit_code = 0;
  node.cancel_wanted = false;
  node.cancel_by_force = false;
  node.queued_at = absl::InfinitePast();
  node.play_at = absl::InfiniteFuture();
  node.started_at = absl::InfinitePast();
  node.finished_at = absl::InfinitePast();
  job.allowed_to_fail = false;
  job.detail.clear();
}

void Scheduler::Impl::ClearDeclines(Job& job) {
  for (const Decline& decline : job.declines) {
    if (Agent* agent = agents.Find(decline.agent)) agent->declined.erase(job.node.id);
  }
  if (!job.declines.empty()) timers.Remove(TimerQueue::Kind::kDeclineEnds, job.node.id);
  job.declines.clear();
}

Fence Scheduler::Impl::NextFence() {
  highest_fence = Fence{FenceValue(highest_fence) + 1};
  turn.StoreFence(highest_fence);
  return highest_fence;
}

Agent* Scheduler::Impl::Speaker(AgentId id, SessionId session) {
  Agent* agent = agents.Find(id);
  if (agent == nullptr || !agent->connected() || agent->session != session) return nullptr;
  return agent;
}

Job* Scheduler::Impl::Held(const Agent& agent, const Assignment& assignment) const {
  Job* job = FindJob(assignment.job);
  if (job == nullptr || job->node.attempt != assignment.attempt) return nullptr;
  if (!options.check_fences) return job;
  const bool stands = job->node.fence == assignment.fence && job->node.agent == agent.id;
  return stands ? job : nullptr;
}

void Scheduler::Impl::Refuse(const Agent& agent, const Assignment& assignment, bool is_finished) {
  if (is_finished && IsFinished(assignment)) {
    turn.Send(SendForget{agent.id, agent.session, assignment});
  } else {
    turn.Send(SendRevoke{agent.id, agent.session, assignment,
                         "this assignment is no longer valid: the job was given away again, "
                         "canceled, or has ended"});
  }
}

bool Scheduler::Impl::IsFinished(const Assignment& assignment) const {
  if (finished.Contains(assignment)) return true;
  const Job* job = FindJob(assignment.job);
  return job != nullptr && lifecycle::IsFinal(job->node.state) && job->assignment() == assignment;
}

}  // namespace grange::schedule
