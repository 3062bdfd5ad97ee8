#include "tools/ctl/time_text.h"

#include <gtest/gtest.h>

namespace grange::ctl {
namespace {

TEST(TimeTextTest, WritesRfc3339WithMillisecondsWhereThereAreSome) {
  EXPECT_EQ(Rfc3339(1714564800000), "2024-05-01T12:00:00Z");
  EXPECT_EQ(Rfc3339(1714564800007), "2024-05-01T12:00:00.007Z");
}

TEST(TimeTextTest, SaysHowLongAgo) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  const auto ago = [&](absl::Duration age) { return Ago(absl::ToUnixMillis(now - age), now); };
  EXPECT_EQ(Ago(0, now), "");
  EXPECT_EQ(ago(absl::Seconds(1)), "just now");
  EXPECT_EQ(ago(-absl::Hours(1)), "just now");  // another machine's clock is ahead
  EXPECT_EQ(ago(absl::Seconds(30)), "30 s ago");
  EXPECT_EQ(ago(absl::Minutes(5)), "5 min ago");
  EXPECT_EQ(ago(absl::Hours(30)), "30 h ago");
  EXPECT_EQ(ago(absl::Hours(72)), "3 days ago");
}

TEST(TimeTextTest, NamesTheDayOfAMinuteOnlyIfItIsAnother) {
  const absl::Time noon =
      absl::FromCivil(absl::CivilSecond(2024, 5, 1, 12, 0, 30), absl::LocalTimeZone());
  EXPECT_EQ(MinuteText(noon + absl::Minutes(30), noon), "12:30");
  EXPECT_EQ(MinuteText(noon + absl::Hours(24), noon), "2024-05-02 12:00");
}

TEST(TimeTextTest, CountsElapsedTimeToTheEndOrToNow) {
  const absl::Time now = absl::FromUnixMillis(10'000);
  EXPECT_EQ(Elapsed(0, 0, now), absl::ZeroDuration());
  EXPECT_EQ(Elapsed(4'000, 0, now), absl::Seconds(6));
  EXPECT_EQ(Elapsed(4'000, 5'000, now), absl::Seconds(1));
  EXPECT_EQ(Elapsed(40'000, 0, now), absl::ZeroDuration());
}

TEST(TimeTextTest, WritesCoverageWithoutUselessDigits) {
  EXPECT_EQ(CoverageText(87), "87%");
  EXPECT_EQ(CoverageText(87.5), "87.5%");
  EXPECT_EQ(CoverageText(100), "100%");
}

}  // namespace
}  // namespace grange::ctl
