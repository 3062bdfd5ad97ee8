#include "coordinator/lifecycle/retry_policy.h"

#include <algorithm>

namespace grange::lifecycle {

bool ShouldRetry(const RetryPolicy& policy, int automatic_retries_used, FailureReason reason,
                 int exit_code) {
  if (reason == FailureReason::kNone || reason == FailureReason::kCanceled) return false;
  if (automatic_retries_used >= policy.max) return false;
  if (policy.when.empty() && policy.exit_codes.empty()) return true;
  if (std::ranges::find(policy.when, reason) != policy.when.end()) return true;
  // Only a script has an exit code; that of a lost attempt means nothing.
  return reason == FailureReason::kScriptFailure &&
         std::ranges::find(policy.exit_codes, exit_code) != policy.exit_codes.end();
}

}  // namespace grange::lifecycle
