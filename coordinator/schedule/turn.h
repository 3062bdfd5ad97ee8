#ifndef GRANGE_COORDINATOR_SCHEDULE_TURN_H_
#define GRANGE_COORDINATOR_SCHEDULE_TURN_H_

#include <utility>
#include <vector>

#include "coordinator/schedule/decision.h"
#include "coordinator/schedule/pipeline.h"

namespace grange::schedule {

// Gathers what one event leads to: rows first, each job's at most once for each attempt, as it
// stands at the end; then the sends, in the order in which they were decided.
class Turn {
 public:
  // The row is written as it stands at the end of the turn; Write() writes it as it is now,
  // before a new attempt hides how the old one ended.
  void Touch(Job& job);
  void Write(Job& job);
  void Touch(Pipeline& pipeline);

  void StoreFence(Fence highest) { highest_fence_ = highest; }
  void Store(const Pipeline& pipeline, std::string failure);
  void Send(Decision decision) { sends_.push_back(std::move(decision)); }

  // The pipelines of which something has changed in this turn.
  const std::vector<Pipeline*>& touched() const { return touched_pipelines_; }

  // Everything, in order; the turn is empty afterwards.
  std::vector<Decision> Take();

 private:
  std::vector<Job*> touched_jobs_;
  std::vector<Pipeline*> touched_pipelines_;
  Fence highest_fence_{};
  std::vector<Decision> job_rows_;
  std::vector<Decision> pipeline_rows_;
  std::vector<Decision> sends_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_TURN_H_
