#include "coordinator/pipeline/pattern.h"

#include <string>

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

TEST(CheckCoverageRegexTest, TakesItWithAndWithoutSlashes) {
  EXPECT_TRUE(CheckCoverageRegex("\\d+\\%\\s+$").ok());
  EXPECT_TRUE(CheckCoverageRegex("/\\d+\\%\\s+$/").ok());
  EXPECT_FALSE(CheckCoverageRegex("").ok());
  EXPECT_FALSE(CheckCoverageRegex("//").ok());
  EXPECT_FALSE(CheckCoverageRegex("/(/").ok());
}

}  // namespace
}  // namespace grange::pipeline
