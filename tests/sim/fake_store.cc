#include "tests/sim/fake_store.h"

#include <algorithm>
#include <variant>

namespace grange::sim {

using schedule::JobNode;
using schedule::Phase;
using schedule::StoreJob;

void FakeStore::AddPipeline(const schedule::PipelineAdded& pipeline) {
  graphs_[pipeline.id] = pipeline;
  pipelines_[pipeline.id].id = pipeline.id;
  for (const JobNode& job : pipeline.jobs) {
    jobs_[job.id].id = job.id;
    jobs_[job.id].pipeline = pipeline.id;
    witness_.KnowsJob(job);
  }
}

void FakeStore::Commit(const std::vector<schedule::Decision>& decisions) {
  for (const schedule::Decision& decision : decisions) {
    if (const auto* job = std::get_if<StoreJob>(&decision)) {
      Commit(*job);
    } else if (const auto* pipeline = std::get_if<schedule::StorePipeline>(&decision)) {
      pipelines_[pipeline->id] = *pipeline;
    } else if (const auto* fence = std::get_if<schedule::StoreFence>(&decision)) {
      highest_fence_ = std::max(highest_fence_, fence->highest);
    }
  }
}

void FakeStore::Commit(const StoreJob& row) {
  if (row.fence > highest_fence_) witness_.Fail("a fence was used that is not stored");
  const AttemptId id{row.id, row.attempt};
  if (row.phase == Phase::kGranted || row.phase == Phase::kRunning) {
    traces_[id].fence = row.fence;
  }
  const auto trace = traces_.find(id);
  std::string durable;
  if (trace != traces_.end()) durable = trace->second.bytes.substr(0, trace->second.durable);
  StoreJob& stored = jobs_.at(row.id);
  witness_.Committed(stored, row, trace == traces_.end() ? nullptr : &durable);
  stored = row;
  if (trace != traces_.end() && lifecycle::IsFinal(row.state)) trace->second.ended = true;
}

bool FakeStore::AdvanceSessionCounter(AgentId agent, uint64_t counter) {
  uint64_t& highest = counters_[agent];
  if (counter <= highest) return false;
  highest = counter;
  return true;
}

FakeStore::Trace* FakeStore::OpenTrace(const Assignment& assignment, bool check_fence) {
  const auto found = traces_.find(IdOf(assignment));
  if (found == traces_.end() || found->second.ended) return nullptr;
  if (check_fence && found->second.fence != assignment.fence) return nullptr;
  return &found->second;
}

void FakeStore::Crash() {
  for (auto& [id, trace] : traces_) trace.bytes.resize(trace.durable);
}

schedule::PipelineAdded FakeStore::Restored(PipelineId id) const {
  schedule::PipelineAdded restored = graphs_.at(id);
  restored.state = pipelines_.at(id).state;
  restored.started_at = pipelines_.at(id).started_at;
  for (JobNode& job : restored.jobs) {
    const StoreJob& row = jobs_.at(job.id);
    job.state = row.state;
    job.attempt = row.attempt;
    job.automatic_retries = row.automatic_retries;
    job.phase = row.phase;
    job.fence = row.fence;
    job.agent = row.agent;
    job.reason = row.reason;
    job.exit_code = row.exit_code;
    job.cancel_wanted = row.cancel_wanted;
    job.cancel_by_force = row.cancel_by_force;
    job.played = row.played;
    job.queued_at = row.queued_at;
    job.play_at = row.play_at;
    job.started_at = row.started_at;
    job.finished_at = row.finished_at;
  }
  return restored;
}

}  // namespace grange::sim
