#ifndef GRANGE_TESTS_COORDINATOR_SCHEDULE_FARM_H_
#define GRANGE_TESTS_COORDINATOR_SCHEDULE_FARM_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "coordinator/schedule/scheduler.h"

namespace grange::schedule {

// A job as a test writes it; needs are names of jobs of the same pipeline.
struct TestJob {
  std::string name{};
  int stage = 0;
  lifecycle::When when = lifecycle::When::kOnSuccess;
  AllowFailure allow_failure{};
  std::vector<std::string> tags{};
  std::vector<std::string> needs{};
  std::vector<std::string> features{};
  bool no_needs = false;  // needs: []
  lifecycle::RetryPolicy retry{};
  absl::Duration start_in = absl::ZeroDuration();
};

struct TestAgent {
  std::string name{};
  int slots = 1;
  std::vector<std::string> tags{};
  bool run_untagged = true;
  ProjectId project{};
  std::vector<std::string> features{};
  std::string version{};
};

// The scheduler with a fake clock, a table of rows and agents that answer as they are told. An
// agent accepts each offer and starts the job unless `answers` is off for it. No threads.
class Farm {
 public:
  explicit Farm(SchedulerOptions options = {});

  // --- agents
  AgentId Register(const TestAgent& agent);
  AgentId Connect(const TestAgent& agent);  // registers it and says Hello
  void Hello(AgentId agent, std::vector<JobReport> jobs = {});
  // Its next Hello says so; until then nothing changes.
  void Upgrade(AgentId agent, std::string version, std::vector<std::string> features);
  void Disconnect(AgentId agent);
  void Answers(AgentId agent, bool answers) { silent_[agent] = !answers; }
  void Drain(AgentId agent, bool draining, absl::Duration stop_after = absl::InfiniteDuration());
  // In the agent's row only: what a coordinator reads that died before the scheduler heard of it.
  void MarkDraining(AgentId agent) { agents_[agent].draining = true; }

  // --- pipelines; the jobs are found by name, the newest first
  PipelineId Submit(const std::vector<TestJob>& jobs, ProjectId project = ProjectId(1));
  JobId Submit(const std::string& name);  // one job
  JobId Job(absl::string_view name) const;

  void Succeed(JobId job) { End(job, lifecycle::FailureReason::kNone, 0); }
  void Fail(JobId job, int exit_code = 1) {
    End(job, lifecycle::FailureReason::kScriptFailure, exit_code);
  }
  void End(JobId job, lifecycle::FailureReason reason, int exit_code);

  // --- messages of the agent's present session
  void Accept(AgentId agent, const Assignment& a);
  void Decline(AgentId agent, const Assignment& a, std::string reason);
  void Started(AgentId agent, const Assignment& a);
  void Finished(AgentId agent, const Assignment& a, lifecycle::FailureReason reason, int exit_code);

  std::vector<Decision> Apply(const Event& event);
  void Advance(absl::Duration by);  // ticks at every deadline on the way
  // Ends the scheduler and makes a new one from the rows; all agents are disconnected.
  void RestartCoordinator();

  // --- what came of it
  lifecycle::JobState StateOf(JobId job) const { return rows_.at(job).state; }
  std::string State(absl::string_view name) const;
  std::string PipelineState(PipelineId id) const;
  const StoreJob& Row(JobId job) const { return rows_.at(job); }
  const StorePipeline& Row(PipelineId id) const { return pipeline_rows_.at(id); }
  // What brings the pipeline back, as its rows are now.
  PipelineAdded Rows(PipelineId id) const { return Restored(pipelines_.at(id)); }
  AgentId AgentOf(JobId job) const { return rows_.at(job).agent; }
  Assignment AssignmentOf(JobId job) const;
  SessionId SessionOf(AgentId agent) const { return sessions_.at(agent); }
  std::vector<std::string> Running() const;  // names, in order of their ids
  std::string Why(JobId job) const;          // the reasons, joined by "; "

  // The sends of one kind since the last call.
  template <typename Send>
  std::vector<Send> Take() {
    std::vector<Send> taken;
    std::vector<Decision> rest;
    for (Decision& decision : sends_) {
      if (auto* send = std::get_if<Send>(&decision)) {
        taken.push_back(*send);
      } else {
        rest.push_back(decision);
      }
    }
    sends_ = std::move(rest);
    return taken;
  }

  // All rows of jobs in the order in which they were written.
  const std::vector<StoreJob>& history() const { return history_; }
  Scheduler& scheduler() { return *scheduler_; }
  FakeClock& clock() { return clock_; }
  Fence highest_fence() const { return highest_fence_; }

 private:
  void Perform(const std::vector<Decision>& decisions);
  PipelineAdded Restored(const PipelineAdded& added) const;

  SchedulerOptions options_;
  FakeClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  std::unique_ptr<Scheduler> scheduler_;
  std::map<PipelineId, PipelineAdded> pipelines_;
  std::map<AgentId, AgentAdded> agents_;
  std::map<AgentId, SessionId> sessions_;
  std::map<AgentId, std::pair<std::string, std::vector<std::string>>> builds_;
  std::map<AgentId, bool> silent_;
  std::map<JobId, StoreJob> rows_;
  std::map<PipelineId, StorePipeline> pipeline_rows_;
  std::vector<StoreJob> history_;
  std::vector<Decision> sends_;
  Fence highest_fence_{};
  int64_t next_id_ = 1;
};

}  // namespace grange::schedule

#endif  // GRANGE_TESTS_COORDINATOR_SCHEDULE_FARM_H_
