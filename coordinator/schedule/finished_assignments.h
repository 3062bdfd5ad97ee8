#ifndef GRANGE_COORDINATOR_SCHEDULE_FINISHED_ASSIGNMENTS_H_
#define GRANGE_COORDINATOR_SCHEDULE_FINISHED_ASSIGNMENTS_H_

#include <cstddef>
#include <deque>

#include "absl/container/flat_hash_set.h"
#include "common/base/id.h"

namespace grange::schedule {

// The newest assignments whose result was applied, at most kMax: a result that comes again is
// answered with Forget also when its job is no longer in memory. For older ones the answer is
// Revoke, which an agent that holds a finished job understands as "delete it".
class FinishedAssignments {
 public:
  static constexpr size_t kMax = 10'000;

  void Add(const Assignment& assignment);
  bool Contains(const Assignment& assignment) const { return known_.contains(assignment); }

 private:
  absl::flat_hash_set<Assignment> known_;
  std::deque<Assignment> by_age_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_FINISHED_ASSIGNMENTS_H_
