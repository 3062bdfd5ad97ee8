#include "coordinator/lifecycle/retry_policy.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace grange::lifecycle {
namespace {

using F = FailureReason;

struct Case {
  std::string name;
  RetryPolicy policy;
  int used;
  FailureReason reason;
  int exit_code;
  bool retried;
};

TEST(RetryPolicyTest, DecidesByReasonExitCodeAndNumber) {
  const std::vector<Case> cases = {
      {"no retry", {0, {}, {}}, 0, F::kScriptFailure, 1, false},
      {"always", {1, {}, {}}, 0, F::kScriptFailure, 1, true},
      {"always, lost", {1, {}, {}}, 0, F::kAgentLost, 0, true},
      {"used up", {2, {}, {}}, 2, F::kScriptFailure, 1, false},
      {"one left", {2, {}, {}}, 1, F::kScriptFailure, 1, true},
      {"reason named", {1, {F::kAgentLost}, {}}, 0, F::kAgentLost, 0, true},
      {"reason not named", {1, {F::kAgentLost}, {}}, 0, F::kScriptFailure, 1, false},
      {"exit code named", {1, {}, {42}}, 0, F::kScriptFailure, 42, true},
      {"exit code not named", {1, {}, {42}}, 0, F::kScriptFailure, 1, false},
      {"exit code named, lost", {1, {}, {0}}, 0, F::kAgentLost, 0, false},
      {"joined by or", {1, {F::kTimeout}, {42}}, 0, F::kScriptFailure, 42, true},
      {"canceled", {2, {}, {}}, 0, F::kCanceled, 0, false},
      {"canceled, though named", {2, {F::kCanceled}, {}}, 0, F::kCanceled, 0, false},
      {"succeeded", {2, {}, {}}, 0, F::kNone, 0, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ShouldRetry(c.policy, c.used, c.reason, c.exit_code), c.retried) << c.name;
  }
}

}  // namespace
}  // namespace grange::lifecycle
