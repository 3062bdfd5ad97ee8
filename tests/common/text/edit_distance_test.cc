#include "common/text/edit_distance.h"

#include "gtest/gtest.h"

namespace grange::text {
namespace {

TEST(NearestTest, FindsTheNameThatWasMeant) {
  const std::vector<std::string> names = {"build", "test", "deploy", "script", "before_script"};
  EXPECT_EQ(Nearest("biuld", names), "build");
  EXPECT_EQ(Nearest("tset", names), "test");
  EXPECT_EQ(Nearest("deplyo", names), "deploy");
  EXPECT_EQ(Nearest("scrpit", names), "script");
  EXPECT_EQ(Nearest("befor_scirpt", names), "before_script");
}

TEST(NearestTest, GivesNothingIfNoneIsNear) {
  const std::vector<std::string> names = {"build", "test"};
  EXPECT_EQ(Nearest("publish", names), "");
  EXPECT_EQ(Nearest("te", names), "");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest("build", {}), "");
}

TEST(NearestTest, PrefersTheNearerThenTheFirst) {
  EXPECT_EQ(Nearest("job_10", {"job_ab", "job_11", "job_12"}), "job_11");
}

TEST(NearestTest, DoesNotSuggestTheNameItself) { EXPECT_EQ(Nearest("build", {"build"}), ""); }

TEST(NearestTest, GivesUpOnANameThatNobodyTyped) {
  EXPECT_EQ(Nearest(std::string(1 << 20, 'a'), {std::string((1 << 20) - 1, 'a')}), "");
}

TEST(DidYouMeanTest, IsThePartOfAMessageOrNothing) {
  EXPECT_EQ(DidYouMean("biuld", {"build"}), "; did you mean 'build'?");
  EXPECT_EQ(DidYouMean("x", {"build"}), "");
}

}  // namespace
}  // namespace grange::text
