#include "coordinator/source/component_version.h"

#include "gtest/gtest.h"

namespace grange::source {
namespace {

const std::vector<std::string> kTags = {"1.0.0",     "1.2.0",   "1.10.1", "v2.0.0",
                                        "2.1.0-rc1", "nightly", "3",      "1.2"};

TEST(NewestReleaseTest, TakesTheHighestByNumbers) {
  EXPECT_EQ(NewestRelease("~latest", kTags), "v2.0.0");
  EXPECT_EQ(NewestRelease("1", kTags), "1.10.1");
  EXPECT_EQ(NewestRelease("1.2", kTags), "1.2.0");
  EXPECT_EQ(NewestRelease("2", kTags), "v2.0.0");
}

TEST(NewestReleaseTest, KnowsNoOtherVersions) {
  EXPECT_EQ(NewestRelease("3", kTags), std::nullopt);
  EXPECT_EQ(NewestRelease("1.0.0", kTags), std::nullopt);
  EXPECT_EQ(NewestRelease("main", kTags), std::nullopt);
  EXPECT_EQ(NewestRelease("99999999999999999999", kTags), std::nullopt);
  EXPECT_EQ(NewestRelease("~latest", {}), std::nullopt);
}

}  // namespace
}  // namespace grange::source
