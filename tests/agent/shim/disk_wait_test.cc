#include "agent/shim/disk_wait.h"

#include "gtest/gtest.h"

namespace grange::shim {
namespace {

constexpr uint64_t kPatience = 60'000;

TEST(DiskWaitTest, HasNothingToDoWhileNothingIsHeld) {
  DiskWait wait(kPatience);
  wait.Note(/*holds=*/false, /*paused=*/true, 5);
  EXPECT_EQ(wait.due(), kNever);
  EXPECT_FALSE(wait.IsTimeToRetry(1'000'000));
  EXPECT_FALSE(wait.IsOver(1'000'000));
}

TEST(DiskWaitTest, A8_TriesTwiceASecondAndGivesUpAfterItsPatience) {
  DiskWait wait(kPatience);
  uint64_t now = 1000;
  wait.Note(true, false, now);
  int tries = 0;
  while (!wait.IsOver(now)) {
    now = wait.due();
    ASSERT_TRUE(wait.IsTimeToRetry(now));
    ++tries;
    wait.Note(true, false, now);
  }
  EXPECT_EQ(now, 1000 + kPatience);
  EXPECT_EQ(tries, 120);
}

TEST(DiskWaitTest, A8_TheTimeDoesNotCountWhileAnAgentDecides) {
  DiskWait wait(kPatience);
  wait.Note(true, true, 0);
  wait.Note(true, true, 10 * kPatience);
  EXPECT_FALSE(wait.IsOver(10 * kPatience + 1));
  wait.Note(true, false, 10 * kPatience + 1);  // the agent has died
  EXPECT_FALSE(wait.IsOver(11 * kPatience - 1));
  EXPECT_TRUE(wait.IsOver(11 * kPatience));
}

TEST(DiskWaitTest, BeginsAnewAfterSpaceHasCome) {
  DiskWait wait(kPatience);
  wait.Note(true, false, 0);
  wait.Note(false, false, 50'000);
  wait.Note(true, false, 59'000);
  EXPECT_FALSE(wait.IsOver(60'000));
  EXPECT_EQ(wait.due(), 59'000 + DiskWait::kRetryMs);
}

}  // namespace
}  // namespace grange::shim
