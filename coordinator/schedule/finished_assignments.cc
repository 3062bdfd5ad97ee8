#include "coordinator/schedule/finished_assignments.h"

namespace grange::schedule {

void FinishedAssignments::Add(const Assignment& assignment) {
  if (!known_.insert(assignment).second) return;
  by_age_.push_back(assignment);
  if (by_age_.size() <= kMax) return;
  known_.erase(by_age_.front());
  by_age_.pop_front();
}

}  // namespace grange::schedule
