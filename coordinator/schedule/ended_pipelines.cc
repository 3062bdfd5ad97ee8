#include "coordinator/schedule/ended_pipelines.h"

namespace grange::schedule {

void EndedPipelines::Add(const Pipeline& pipeline) {
  int64_t attempts = 0;
  for (const std::unique_ptr<Job>& job : pipeline.graph.jobs()) attempts += job->node.attempt;
  if (!attempts_.insert_or_assign(pipeline.id, attempts).second) return;
  by_age_.push_back(pipeline.id);
  if (by_age_.size() <= kMax) return;
  attempts_.erase(by_age_.front());
  by_age_.pop_front();
}

bool EndedPipelines::IsStale(const PipelineAdded& rows) const {
  const auto ended = attempts_.find(rows.id);
  if (ended == attempts_.end()) return false;
  int64_t attempts = 0;
  for (const JobNode& job : rows.jobs) {
    const bool at_rest = lifecycle::IsFinal(job.state) || job.state == lifecycle::JobState::kManual;
    if (!at_rest) return true;
    attempts += job.attempt;
  }
  return attempts < ended->second;
}

}  // namespace grange::schedule
