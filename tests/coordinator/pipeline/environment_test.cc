#include "coordinator/pipeline/environment.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

TEST(EnvironmentTest, ASlugIsTheNameWhereNothingOfItIsLost) {
  EXPECT_EQ(EnvironmentSlug("production"), "production");
  EXPECT_EQ(EnvironmentSlug("stage-2"), "stage-2");
}

TEST(EnvironmentTest, ASlugEndsWithAHashWhereSomethingIsLost) {
  for (const char* name :
       {"review/feature/x", "Production", "1st", "a-name-of-more-than-24-bytes"}) {
    const std::string slug = EnvironmentSlug(name);
    EXPECT_LE(slug.size(), 24u) << name;
    EXPECT_EQ(slug[slug.size() - 7], '-') << slug;
    EXPECT_FALSE(absl::StrContains(slug, "--")) << slug;
  }
  EXPECT_TRUE(absl::StartsWith(EnvironmentSlug("1st"), "env-1st-"));
  EXPECT_NE(EnvironmentSlug("a b"), EnvironmentSlug("a/b"));
}

TEST(EnvironmentTest, ATierIsSeenInTheWordsOfAName) {
  EXPECT_EQ(EnvironmentTier("production"), "production");
  EXPECT_EQ(EnvironmentTier("eu/live"), "production");
  EXPECT_EQ(EnvironmentTier("review/main"), "development");
  EXPECT_EQ(EnvironmentTier("qa-2"), "testing");
  EXPECT_EQ(EnvironmentTier("Staging"), "staging");
  EXPECT_EQ(EnvironmentTier("europe"), "other");
}

}  // namespace
}  // namespace grange::pipeline
