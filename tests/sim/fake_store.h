#ifndef GRANGE_TESTS_SIM_FAKE_STORE_H_
#define GRANGE_TESTS_SIM_FAKE_STORE_H_

#include <map>
#include <string>
#include <vector>

#include "coordinator/schedule/decision.h"
#include "tests/sim/witness.h"

namespace grange::sim {

// The coordinator's disk: rows and traces that survive it.
class FakeStore {
 public:
  struct Trace {
    Fence fence{};
    bool ended = false;
    std::string bytes;   // in the file; what is behind `durable` dies with the process
    size_t durable = 0;  // the length in the database
  };

  explicit FakeStore(Witness& witness) : witness_(witness) {}

  void AddPipeline(const schedule::PipelineAdded& pipeline);
  void AddAgent(const schedule::AgentAdded& agent) { agents_[agent.id] = agent; }

  // The rows among the decisions, as one transaction.
  void Commit(const std::vector<schedule::Decision>& decisions);
  // True, and stored, if the counter is higher than the one of the agent's last session.
  bool AdvanceSessionCounter(AgentId agent, uint64_t counter);
  void SetDraining(AgentId agent, bool draining, absl::Time until) {
    agents_.at(agent).draining = draining;
    agents_.at(agent).drain_until = until;
  }

  // The trace of an attempt that is granted and has not ended; else null. With `check_fence` it
  // must stand under this fence.
  Trace* OpenTrace(const Assignment& assignment, bool check_fence);
  void Crash();  // of the coordinator: unfinished traces are cut to their durable length

  // What recovery reads.
  schedule::PipelineAdded Restored(PipelineId id) const;
  const std::map<AgentId, schedule::AgentAdded>& agents() const { return agents_; }
  const std::map<JobId, schedule::StoreJob>& jobs() const { return jobs_; }
  const std::map<PipelineId, schedule::StorePipeline>& pipelines() const { return pipelines_; }
  const std::map<AttemptId, Trace>& traces() const { return traces_; }
  PipelineId PipelineOf(JobId job) const { return jobs_.at(job).pipeline; }
  Fence highest_fence() const { return highest_fence_; }

 private:
  void Commit(const schedule::StoreJob& row);

  Witness& witness_;
  std::map<PipelineId, schedule::PipelineAdded> graphs_;
  std::map<PipelineId, schedule::StorePipeline> pipelines_;
  std::map<JobId, schedule::StoreJob> jobs_;
  std::map<AttemptId, Trace> traces_;
  std::map<AgentId, schedule::AgentAdded> agents_;
  std::map<AgentId, uint64_t> counters_;
  Fence highest_fence_{};
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_FAKE_STORE_H_
