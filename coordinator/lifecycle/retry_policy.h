#ifndef GRANGE_COORDINATOR_LIFECYCLE_RETRY_POLICY_H_
#define GRANGE_COORDINATOR_LIFECYCLE_RETRY_POLICY_H_

#include <vector>

#include "coordinator/lifecycle/failure_reason.h"

namespace grange::lifecycle {

// `retry:` of a job. `when` and `exit_codes` are joined by or; both empty means always.
struct RetryPolicy {
  int max = 0;  // re-runs, 0..2
  std::vector<FailureReason> when;
  std::vector<int> exit_codes;

  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// True if a job of which an attempt ended with `reason` and `exit_code` is to be tried again
// without a person. `automatic_retries_used` counts those since a person last started it. A
// cancelled attempt never is.
bool ShouldRetry(const RetryPolicy& policy, int automatic_retries_used, FailureReason reason,
                 int exit_code);

}  // namespace grange::lifecycle

#endif  // GRANGE_COORDINATOR_LIFECYCLE_RETRY_POLICY_H_
