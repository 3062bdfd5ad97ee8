#include "coordinator/session/message_budget.h"

#include "gtest/gtest.h"

namespace grange::session {
namespace {

constexpr absl::Duration kStart = absl::Hours(100);

TEST(MessageBudgetTest, N12LetsABusyAgentThrough) {
  MessageBudget budget;
  absl::Duration now = kStart;
  for (int i = 0; i < 100'000; ++i) {
    now += absl::Seconds(1 / (MessageBudget::kPerSecond * 0.9));
    ASSERT_TRUE(budget.Take(now)) << i;
  }
}

TEST(MessageBudgetTest, N12LetsAllThatHasGatheredForTwoSecondsThroughAtOnceAndNoMore) {
  MessageBudget budget;
  for (int i = 0; i < MessageBudget::kAtOnce; ++i) ASSERT_TRUE(budget.Take(kStart)) << i;
  EXPECT_FALSE(budget.Take(kStart));
  EXPECT_TRUE(budget.Take(kStart + absl::Microseconds(600)));
  EXPECT_FALSE(budget.Take(kStart + absl::Microseconds(600)));
}

}  // namespace
}  // namespace grange::session
