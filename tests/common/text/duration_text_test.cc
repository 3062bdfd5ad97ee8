#include "common/text/duration_text.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::text {
namespace {

using ::testing::HasSubstr;

TEST(ParseDurationTest, UnderstandsTheFormsThatGitLabDocuments) {
  struct Case {
    const char* text;
    absl::Duration expected;
  };
  const std::vector<Case> cases = {
      {"3600", absl::Seconds(3600)},
      {"3h 30m", absl::Minutes(210)},
      {"3h30m", absl::Minutes(210)},
      {"1h30m", absl::Minutes(90)},
      {"90 minutes", absl::Minutes(90)},
      {"one hour", absl::Hours(1)},
      {"an hour", absl::Hours(1)},
      {"1 week", absl::Hours(168)},
      {"2 days and 3 hours", absl::Hours(51)},
      {"3 mins 4 sec", absl::Seconds(184)},
      {"2h20min", absl::Minutes(140)},
      {"1.5 hours", absl::Minutes(90)},
      {"1 hour, 5 minutes", absl::Minutes(65)},
      {"  10 Minutes ", absl::Minutes(10)},
      {"0", absl::ZeroDuration()},
      {"1 mo", absl::Hours(720)},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<absl::Duration> duration = ParseDuration(c.text);
    ASSERT_TRUE(duration.ok()) << c.text << ": " << duration.status();
    EXPECT_EQ(*duration, c.expected) << c.text;
  }
}

TEST(ParseDurationTest, NamesThePartThatIsNotUnderstood) {
  struct Case {
    const char* text;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"", "empty"},
      {"soon", "'soon' is not a number or a unit"},
      {"5 parsecs", "'parsecs' is not a number or a unit"},
      {"h", "'h' has no number before it"},
      {"1h 30", "'30' has no unit after it"},
      {"3 4 m", "'3' has no unit after it"},
      {"-5m", "'-' is not a number or a unit"},
      {"1.2.3 h", "'1.2.3' is not a number"},
      {"200 years", "longer than 100 years"},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<absl::Duration> duration = ParseDuration(c.text);
    EXPECT_EQ(duration.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(duration.status().message()), HasSubstr(c.message));
  }
}

TEST(ParseDurationTest, RefusesATextThatIsTooLong) {
  EXPECT_FALSE(ParseDuration(std::string(1 << 20, '1')).ok());
}

TEST(FormatDurationTest, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(text::FormatDuration(absl::ZeroDuration()), "0.0 s");
  EXPECT_EQ(text::FormatDuration(absl::Milliseconds(4230)), "4.2 s");
  EXPECT_EQ(text::FormatDuration(absl::Milliseconds(9970)), "10 s");
  EXPECT_EQ(text::FormatDuration(absl::Seconds(42)), "42 s");
  EXPECT_EQ(text::FormatDuration(absl::Milliseconds(59700)), "1 min");
  EXPECT_EQ(text::FormatDuration(absl::Seconds(192)), "3 min 12 s");
  EXPECT_EQ(text::FormatDuration(absl::Minutes(65)), "1 h 5 min");
  EXPECT_EQ(text::FormatDuration(absl::Hours(26)), "1 d 2 h");
  EXPECT_EQ(text::FormatDuration(absl::InfiniteDuration()), "for ever");
}

}  // namespace
}  // namespace grange::text
