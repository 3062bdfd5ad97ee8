#ifndef GRANGE_COORDINATOR_SCHEDULE_SCHEDULER_IMPL_H_
#define GRANGE_COORDINATOR_SCHEDULE_SCHEDULER_IMPL_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "coordinator/schedule/agent_pool.h"
#include "coordinator/schedule/ended_pipelines.h"
#include "coordinator/schedule/finished_assignments.h"
#include "coordinator/schedule/job_queue.h"
#include "coordinator/schedule/pipeline.h"
#include "coordinator/schedule/scheduler.h"
#include "coordinator/schedule/timer_queue.h"
#include "coordinator/schedule/turn.h"

namespace grange::schedule {

// The inside of the scheduler. Its parts stand in files by subject: scheduler.cc (pipelines, the
// order of a turn), assignment.cc (how a job changes hands), reconcile.cc (agents come and go),
// people.cc (what people ask for), why.cc (explanations).
struct Scheduler::Impl {
  // Final pipelines that were brought back and of which nothing has been run again; more than
  // these are not kept.
  static constexpr size_t kVisitorsMax = 16;
  // An agent that declines so many offers in a row gets none for `decline_pause`.
  static constexpr int kDeclinesInARowMax = 3;

  explicit Impl(SchedulerOptions o) : options(o), highest_fence(o.highest_fence) {}

  // --- scheduler.cc
  void On(const PipelineAdded& event);
  void On(const Tick& event);
  void Restore(Job& job);  // takes up a job where its row left it
  // Ends a turn: what became ready is queued, what is queued is offered, rows are gathered.
  std::vector<Decision> Conclude();
  void AdvanceGraphs();
  void Place(Job& job);  // a created job whose turn may have come
  void ConcludePipeline(Pipeline& pipeline);
  void Drop(Pipeline& pipeline);
  void KeepVisitor(PipelineId id);

  // The only way in which a job's state changes.
  void Move(Job& job, lifecycle::JobEvent event);
  void Count(Job& job);
  Job* FindJob(JobId id) const;
  Pipeline* FindPipeline(PipelineId id) const;

  // --- assignment.cc
  void On(const JobAccepted& event);
  void On(const JobDeclined& event);
  void On(const JobUnofferable& event);
  void On(const JobStarted& event);
  void On(const JobFinished& event);
  void NoteDecline(Job& job, Agent& agent, absl::string_view reason);
  void Enqueue(Job& job);  // it has become kPending
  void OfferAll();         // while a job waits for which an agent is free
  void Offer(Job& job, Agent& agent);
  void Withdraw(Job& job);  // an offer that was not granted; the job is nobody's afterwards
  void Requeue(Job& job);   // ... and goes back to the queue
  void WithdrawAndTell(Job& job, absl::string_view reason);  // its agent, that is
  void Grant(Job& job);
  void Finish(Job& job, lifecycle::FailureReason reason, int exit_code);
  // `why` is one line for people: a short clause, then "; " and more.
  void Lose(Job& job, lifecycle::FailureReason reason, absl::string_view why);
  void LeaveAgent(Job& job);
  // Forgets how the job ended. Every way out of an ended state passes here, so that no number of
  // an attempt is used twice and no row of an ended attempt is written again.
  void NewAttempt(Job& job);
  void ClearDeclines(Job& job);
  Fence NextFence();
  // The agent, if it speaks on its present session; else null.
  Agent* Speaker(AgentId agent, SessionId session);
  // The job, if it is in memory and `assignment` is the right that `agent` has on it.
  Job* Held(const Agent& agent, const Assignment& assignment) const;
  // Answers a message about an assignment that does not stand.
  void Refuse(const Agent& agent, const Assignment& assignment, bool finished);
  bool IsFinished(const Assignment& assignment) const;

  // --- reconcile.cc
  void On(const AgentAdded& event);
  void On(const AgentRemoved& event);
  void On(const AgentConnected& event);
  void On(const AgentDisconnected& event);
  void On(const AgentDrainChanged& event);
  void On(const OffersPaused& event) { offers_paused = event.why; }
  void SetFeatures(Agent& agent, std::vector<std::string> features);
  SendWelcome::Verdict Reconcile(Agent& agent, const JobReport& report);
  void SendDrainTo(const Agent& agent);
  // Takes back what is offered to the agent and not granted, and tells it so if it is there.
  void WithdrawOffers(const Agent& agent, absl::string_view reason);
  // The rows of the jobs that it holds are written again: whoever watches them hears of the change.
  void TouchJobs(const Agent& agent);
  void StartLostTimer(Agent& agent);
  void LoseAll(Agent& agent);
  void ForgetDeclines(Agent& agent);
  void EndDeclines(Job& job);
  void EndPause(Agent& agent);

  // --- people.cc
  void On(const CancelPipeline& event);
  void On(const CancelJob& event);
  void On(const RetryPipeline& event);
  void On(const RetryJob& event);
  void On(const PlayJob& event);
  void Cancel(Job& job, bool force);
  void Revive(Job& job);
  absl::Status Check(const Event& request) const;
  absl::Status CheckJob(JobId id, absl::FunctionRef<absl::Status(const Job& job)> check) const;

  // --- why.cc
  Explanation Why(const Job& job, absl::Time at) const;

  const SchedulerOptions options;
  absl::Time now;
  Fence highest_fence;
  absl::btree_map<PipelineId, std::unique_ptr<Pipeline>> pipelines;
  absl::flat_hash_map<JobId, Job*> jobs;
  AgentPool agents;
  JobQueue queue{agents};
  TimerQueue timers;
  FinishedAssignments finished;
  EndedPipelines ended;
  std::deque<PipelineId> visitors;
  std::string offers_paused;  // "": they are not
  std::vector<Job*> moved;  // jobs whose state has changed in this turn, not yet in their graph
  Turn turn;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_SCHEDULER_IMPL_H_
