#include "common/base/clock.h"

#include <gtest/gtest.h>

namespace grange {
namespace {

TEST(FakeClockTest, StandsStillUntilItIsMoved) {
  const absl::Time start = absl::FromUnixSeconds(1'750'000'000);
  FakeClock clock(start);
  const absl::Duration booted = clock.SinceBoot();
  EXPECT_EQ(clock.Now(), start);

  clock.Advance(absl::Minutes(3));

  EXPECT_EQ(clock.Now(), start + absl::Minutes(3));
  EXPECT_EQ(clock.SinceBoot(), booted + absl::Minutes(3));
}

}  // namespace
}  // namespace grange
