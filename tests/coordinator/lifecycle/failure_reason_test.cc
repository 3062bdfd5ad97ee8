#include "coordinator/lifecycle/failure_reason.h"

#include "gtest/gtest.h"

namespace grange::lifecycle {
namespace {

constexpr int kReasons = static_cast<int>(FailureReason::kAgentDrained) + 1;

TEST(FailureReasonTest, ReadsEveryNameThatItWrites) {
  for (int i = 0; i < kReasons; ++i) {
    const auto reason = static_cast<FailureReason>(i);
    const absl::StatusOr<FailureReason> read = ParseFailureReason(FailureReasonName(reason));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, reason);
  }
  EXPECT_EQ(ParseFailureReason("gremlins").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(FailureReasonTest, SaysWhatToDoAboutEveryReasonButNone) {
  EXPECT_EQ(FailureReasonText(FailureReason::kNone), "");
  for (int i = 1; i < kReasons; ++i) {
    EXPECT_NE(FailureReasonText(static_cast<FailureReason>(i)), "") << i;
  }
}

TEST(FailureReasonTest, CountsTheFarmsFaultsAsSystemFailures) {
  EXPECT_TRUE(IsSystemFailure(FailureReason::kAgentLost));
  EXPECT_TRUE(IsSystemFailure(FailureReason::kHostRestart));
  EXPECT_TRUE(IsSystemFailure(FailureReason::kAgentDrained));
  EXPECT_FALSE(IsSystemFailure(FailureReason::kScriptFailure));
  EXPECT_FALSE(IsSystemFailure(FailureReason::kTimeout));
  EXPECT_FALSE(IsSystemFailure(FailureReason::kCanceled));
  EXPECT_FALSE(IsSystemFailure(FailureReason::kMemoryLimit));
  EXPECT_FALSE(IsSystemFailure(FailureReason::kPidsLimit));
}

}  // namespace
}  // namespace grange::lifecycle
