#include "agent/job/disk_guard.h"

#include "gtest/gtest.h"

namespace grange::job {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr DiskLimits kLimits;  // 256 MiB, a minute

Assignment Job(int64_t id) { return {JobId(id), 1, Fence{1}}; }

TEST(DiskGuardTest, LeavesAloneWhoHasSpace) {
  DiskGuard guard(kLimits);
  const DiskGuard::Order order = guard.Look(256 * kMiB, absl::Seconds(1));
  EXPECT_FALSE(order.pause);
  EXPECT_FALSE(order.fail_largest);
}

TEST(DiskGuardTest, A8_PausesAtOnceAndFailsSomebodyAfterAMinuteWithoutRelief) {
  DiskGuard guard(kLimits);
  for (int second = 0; second < 60; second += 2) {
    const DiskGuard::Order order = guard.Look(255 * kMiB, absl::Seconds(100 + second));
    EXPECT_TRUE(order.pause) << second;
    EXPECT_FALSE(order.fail_largest) << second;
  }
  EXPECT_TRUE(guard.Look(255 * kMiB, absl::Seconds(160)).fail_largest);
}

TEST(DiskGuardTest, A8_TheNextOneHasTheWholeTimeAgain) {
  DiskGuard guard(kLimits);
  guard.Look(0, absl::Seconds(0));
  ASSERT_TRUE(guard.Look(0, absl::Seconds(60)).fail_largest);
  EXPECT_FALSE(guard.Look(0, absl::Seconds(119)).fail_largest);
  EXPECT_TRUE(guard.Look(0, absl::Seconds(120)).fail_largest);
}

TEST(DiskGuardTest, A8_ReliefEndsThePauseAndTheTime) {
  DiskGuard guard(kLimits);
  guard.Look(0, absl::Seconds(0));
  EXPECT_FALSE(guard.Look(256 * kMiB, absl::Seconds(59)).pause);
  EXPECT_FALSE(guard.is_short());
  EXPECT_TRUE(guard.Look(0, absl::Seconds(61)).pause);
  EXPECT_FALSE(guard.Look(0, absl::Seconds(120)).fail_largest);
}

TEST(DiskGuardTest, A8_TheLargestWriterIsThatOfLogOrWorkTree) {
  const DiskUse prints{Job(1), true, 40 * kMiB, 1};
  const DiskUse writes{Job(2), true, 1, 41 * kMiB};
  EXPECT_EQ(DiskGuard::ToFail({prints, writes})->assignment, Job(2));
  EXPECT_TRUE(DiskGuard::ToFail({prints, writes})->into_work_tree());
  EXPECT_EQ(DiskGuard::ToFail({prints})->assignment, Job(1));
  EXPECT_FALSE(DiskGuard::ToFail({prints})->into_work_tree());
}

TEST(DiskGuardTest, A8_NobodyFailsForALogThatOnlyWaitsForTheCoordinator) {
  const DiskUse ended{Job(1), false, 100 * kMiB, 0};
  const DiskUse runs{Job(2), true, kMiB, 0};
  EXPECT_FALSE(DiskGuard::ToFail({runs, ended}).has_value());
  EXPECT_FALSE(DiskGuard::ToFail({}).has_value());
}

TEST(DiskGuardTest, A8_AFailedScriptIsBlamedForAFullDiskOnlyIfItHasWrittenTheMost) {
  const DiskUse failed{Job(1), false, 1, 40 * kMiB};
  const DiskUse other{Job(2), true, kMiB, 3 * kMiB};
  EXPECT_TRUE(DiskGuard::IfLargest({other, failed}, Job(1)).has_value());
  EXPECT_FALSE(DiskGuard::IfLargest({other, failed}, Job(2)).has_value());
  const DiskGuard guard(kLimits);
  EXPECT_FALSE(guard.IsFull(16 * kMiB));
  EXPECT_TRUE(guard.IsFull(16 * kMiB - 1));
}

}  // namespace
}  // namespace grange::job
