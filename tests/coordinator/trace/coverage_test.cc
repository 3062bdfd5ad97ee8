#include "coordinator/trace/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"

namespace grange::trace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kSeedRegex[] = R"(\d+\%\s+$)";

std::optional<double> Find(absl::string_view regex, absl::string_view trace) {
  const absl::StatusOr<CoveragePattern> pattern = CoveragePattern::Compile(regex);
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  return pattern.ok() ? pattern->Find(trace) : std::nullopt;
}

// The end of the seed's table: a blank follows each percentage.
constexpr char kSeedTable[] =
    "Name                           Stmts   Miss Branch BrPart  Cover   Missing\n"
    "--------------------------------------------------------------------------\n"
    "app/users.py                       0      0      0      0   100%   \n"
    "app/users/models.py              361     27    166     15    92%   89, 107-108, 112\n"
    "--------------------------------------------------------------------------\n"
    "TOTAL                           1943    210    688     68    87%   \n"
    "----------------------------------------------------------------------\n"
    "Ran 114 tests in 294.046s\n"
    "\n"
    "OK\n";

struct Case {
  const char* name;
  const char* regex;
  std::string trace;
  std::optional<double> coverage;
};

class CoverageTableTest : public ::testing::TestWithParam<Case> {};

TEST_P(CoverageTableTest, FindsIt) {
  EXPECT_EQ(Find(GetParam().regex, GetParam().trace), GetParam().coverage);
}

INSTANTIATE_TEST_SUITE_P(
    Traces, CoverageTableTest,
    ::testing::Values(
        Case{"SeedTable", kSeedRegex, kSeedTable, 87},
        Case{"TodaysCoverage", kSeedRegex, "TOTAL   100   13   87%\nOK\n", 87},
        Case{"TodaysCoverageAsLastLine", R"(%$)", "TOTAL   100   13   87%\n", std::nullopt},
        Case{"PercentAtTheEnd", R"(\d+%$)", "TOTAL   100   13   87%\n", 87},
        Case{"NoFinalLineFeed", R"(\d+%$)", "TOTAL   100   13   87%", 87},
        Case{"NoFinalLineFeedAndBlanksWanted", kSeedRegex, "TOTAL 87%", std::nullopt},
        Case{"WindowsLineEnd", kSeedRegex, "TOTAL 87%\r\n", 87},
        Case{"Delimiters", R"(/TOTAL.*?(\d+)%/)", "TOTAL 100 13 87%\n", 87},
        Case{"DelimitersAndFlag", R"(/total.*?(\d+)%/i)", "TOTAL 100 13 87%\n", 87},
        Case{"EscapedSlash", R"(/lines\/total: (\d+)/)", "lines/total: 12\n", 12},
        Case{"SlashesInside", R"(a/b (\d+))", "a/b 5\n", 5},
        Case{"LastGroup", R"((\d+) of (\d+))", "3 of 4\n", 4},
        Case{"LastGroupThatTookPart", R"((\d+)%|(none))", "70%\n", 70},
        Case{"LastMatchInTheLine", R"(\d+%)", "10% 20% 30%\n", 30},
        Case{"Fraction", R"(coverage: \d+\.\d+%)", "coverage: 91.25% of statements\n", 91.25},
        Case{"FirstNumberOfTheMatch", R"(TOTAL.*%)", "TOTAL 1943 87%\n", 1943},
        Case{"LastLineWins", kSeedRegex, "50%\n60%\n", 60},
        Case{"ALineWithoutANumberIsPassedOver", R"(cov:.*)", "cov: 42\ncov: unknown\n", 42},
        Case{"Colours", kSeedRegex, "\x1b[32mTOTAL \x1b[1m87%\x1b[0m\n", 87},
        Case{"ColourBetweenDigitsAndPercent", R"(\d+%)", "8\x1b[0;1m7\x1b[0m%\n", 87},
        Case{"LoneEscape", R"(\d+%)", "87%\x1b\n", 87},
        Case{"NoMatch", kSeedRegex, "nothing here\nof 12 use\n", std::nullopt},
        Case{"ZeroIsANumber", kSeedRegex, "TOTAL 0%\n", 0},
        Case{"EmptyTrace", kSeedRegex, "", std::nullopt},
        Case{"OnlyLineFeeds", kSeedRegex, "\n\n\n", std::nullopt},
        Case{"EmptyMatches", R"(x*)", "1 2 3\n", std::nullopt},
        Case{"BytesThatAreNoText", R"(cov (\d+)%)", std::string("\xff\xfe\0cov 9%\n", 11), 9},
        Case{"CaretIsTheLinesBegin", R"(^(\d+)%)", "a\n77%\n", 77},
        Case{"TooLargeForANumber", R"(\d+)", std::string(400, '9') + "\n", std::nullopt}),
    [](const auto& param_info) { return param_info.param.name; });

TEST(CoverageTest, PercentAtTheEndMatchesALineButHasNoNumberInIt) {
  // `%$` matches, but the match is the sign alone: there is no number, the line is passed over.
  EXPECT_EQ(Find(R"(%$)", "TOTAL   100   13   87%\n"), std::nullopt);
  EXPECT_EQ(Find(R"(.*%$)", "87%\n"), 87);
}

TEST(CoverageTest, FindsTheSeedsOwnNumberInItsArticle) {
  const absl::StatusOr<std::vector<std::string>> names =
      os::ListDir(absl::StrCat(GRANGE_SOURCE_DIR, "/../shared/seed"));
  if (!names.ok() || names->empty()) GTEST_SKIP() << "no ../shared/seed beside the repository";
  const std::string article =
      *os::ReadFile(absl::StrCat(GRANGE_SOURCE_DIR, "/../shared/seed/", names->front()));
  EXPECT_EQ(Find(kSeedRegex, article), 87);
}

TEST(CoverageTest, ARegexThatDoesNotCompileIsRefusedWithTheReasonAndThePart) {
  const struct {
    const char* regex;
    const char* reason;
    const char* part;
  } cases[] = {{R"((\d+%)", "missing )", R"((\d+%)"},
               {R"(a(?<n>\d+))", "invalid", "(?<n"},
               {R"([z-a])", "invalid character class range", "z-a"},
               {R"(\d++)", "bad repetition operator", "++"},
               {R"((?=x)\d)", "invalid", "(?="}};
  for (const auto& c : cases) {
    const absl::Status status = CoveragePattern::Compile(c.regex).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.regex;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(c.regex), HasSubstr(c.reason), HasSubstr(c.part)));
  }
}

TEST(CoverageTest, EmptyAndHugeRegexesAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(CoveragePattern::Compile("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CoveragePattern::Compile("//").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CoveragePattern::Compile(std::string(2000, 'a')).status()));
}

TEST(CoverageTest, R1EvilRegexesAndHugeLinesAreNotSlow) {
  const os::RealClock clock;
  const absl::Duration begin = clock.SinceBoot();
  EXPECT_EQ(Find(R"((\d+)+!$)", std::string(10'000'000, '1') + "\n"), std::nullopt);
  std::string many;
  while (many.size() < (20 << 20)) many += "[ 12%] Building CXX object some/folder/file.cc.o\n";
  EXPECT_EQ(Find(R"(TOTAL.*?(\d+)%)", many), std::nullopt);
  EXPECT_LT(clock.SinceBoot() - begin, absl::Seconds(10));
}

}  // namespace
}  // namespace grange::trace
