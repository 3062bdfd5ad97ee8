#include "coordinator/pipeline/pattern.h"

#include <string>

#include "coordinator/pipeline/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

using ::testing::HasSubstr;

TEST(PatternTest, IsUnanchoredAndTakesFlags) {
  const auto pattern = Pattern::Parse("/B+/i");
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  EXPECT_TRUE((*pattern)->Matches("abbc"));
  EXPECT_FALSE((*pattern)->Matches("ac"));
}

TEST(PatternTest, KnowsItsForm) {
  for (const char* text : {"/x/", "/x/i", "//", "/a/b/"}) EXPECT_TRUE(Pattern::HasSlashes(text));
  for (const char* text : {"", "/", "x", "/x", "x/", "/x/g", "/i"}) {
    EXPECT_FALSE(Pattern::HasSlashes(text)) << text;
  }
}

TEST(PatternTest, GivesTheReasonAndTheOffendingPart) {
  EXPECT_THAT(std::string(Pattern::Parse("/a(?=b)/").status().message()),
              HasSubstr("'/a(?=b)/' doesn't compile: invalid perl operator: (?="));
  EXPECT_THAT(std::string(Pattern::Parse("/a{1001}/").status().message()),
              HasSubstr("invalid repetition size: {1001}"));
  EXPECT_FALSE(Pattern::Parse("/" + std::string(20000, 'a') + "/").ok());
}

TEST(PatternTest, R1_AnEvilPatternTakesNoLongerThanAnother) {
  const auto evil = Pattern::Parse("/^(a+)+$/");
  ASSERT_TRUE(evil.ok()) << evil.status();
  for (const size_t length : {26u, 1000u, 60'000u, 10'000'000u}) {
    // Of a backtracking engine the first would take minutes, and the last overflow its stack.
    EXPECT_EQ((*evil)->Matches(std::string(length, 'a') + "b"), length > kMatchedTextMax);
  }
}

TEST(PatternTest, R1_APatternHasALimitOfBytesAndOfMemory) {
  const std::string longest(kPatternBytesMax, 'a');
  EXPECT_TRUE(Pattern::Parse("/" + longest + "/").ok());
  EXPECT_THAT(std::string(Pattern::Parse("/a" + longest + "/").status().message()),
              HasSubstr("at most 1024 bytes"));
  EXPECT_THAT(std::string(Pattern::Parse("/((a{100}){100}){100}/").status().message()),
              HasSubstr("doesn't compile"));
}

TEST(PatternTest, R1_OnlyTheStartOfALongTextIsLookedAt) {
  const auto pattern = Pattern::Parse("/needle/");
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  const std::string hay(kMatchedTextMax, 'x');
  EXPECT_FALSE((*pattern)->Matches(hay + "needle"));
  EXPECT_TRUE((*pattern)->Matches(hay.substr(6) + "needle"));
}

TEST(CheckCoverageRegexTest, TakesItWithAndWithoutSlashes) {
  EXPECT_TRUE(CheckCoverageRegex("\\d+\\%\\s+$").ok());
  EXPECT_TRUE(CheckCoverageRegex("/\\d+\\%\\s+$/").ok());
  EXPECT_FALSE(CheckCoverageRegex("").ok());
  EXPECT_FALSE(CheckCoverageRegex("//").ok());
  EXPECT_FALSE(CheckCoverageRegex("/(/").ok());
}

}  // namespace
}  // namespace grange::pipeline
