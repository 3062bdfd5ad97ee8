#include "common/rpc/backoff.h"

#include <gtest/gtest.h>

#include <limits>

namespace grange::rpc {
namespace {

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();

TEST(BackoffTest, TheCeilingDoublesUpToTheLimit) {
  Backoff backoff(absl::Milliseconds(100), absl::Milliseconds(500));
  for (const int ceiling : {100, 200, 400, 500, 500}) {
    const absl::Duration wait = backoff.Next(kLargest);
    EXPECT_LE(wait, absl::Milliseconds(ceiling));
    EXPECT_GT(wait, absl::Milliseconds(ceiling) - absl::Microseconds(1));
  }
}

TEST(BackoffTest, TheWaitIsAnywhereBelowTheCeiling) {
  EXPECT_EQ(Backoff(absl::Seconds(1), absl::Seconds(5)).Next(0), absl::ZeroDuration());
  const absl::Duration half = Backoff(absl::Seconds(1), absl::Seconds(5)).Next(kLargest / 2 + 1);
  EXPECT_EQ(half, absl::Milliseconds(500));
}

TEST(BackoffTest, AHealthySessionStartsItAnew) {
  Backoff backoff(absl::Milliseconds(100), absl::Seconds(5));
  for (int i = 0; i < 4; ++i) backoff.Next(kLargest);
  backoff.Reset();
  EXPECT_LE(backoff.Next(kLargest), absl::Milliseconds(100));
}

TEST(BackoffTest, ManyTriesNeverExceedTheLimit) {
  Backoff backoff(absl::Milliseconds(200), absl::Seconds(5));
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration wait = backoff.Next(kLargest);
    ASSERT_LE(wait, absl::Seconds(5)) << i;
    ASSERT_GE(wait, absl::ZeroDuration()) << i;
  }
}

}  // namespace
}  // namespace grange::rpc
