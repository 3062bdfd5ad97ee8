#include "coordinator/retention/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grange::retention {
namespace {

using ::testing::HasSubstr;

TEST(LimitsTest, ReadsAges) {
  EXPECT_EQ(ParseAge("90 days").value(), absl::Hours(90 * 24));
  EXPECT_EQ(ParseAge("90d").value(), absl::Hours(90 * 24));
  EXPECT_EQ(ParseAge(" Forever ").value(), absl::InfiniteDuration());
  EXPECT_THAT(std::string(ParseAge("0 s").status().message()), HasSubstr("too short"));
  EXPECT_FALSE(ParseAge("soon").ok());
}

TEST(LimitsTest, ReadsSizes) {
  EXPECT_EQ(ParseBytes("20GB").value(), uint64_t{20} << 30);
  EXPECT_EQ(ParseBytes("1.5 GiB").value(), uint64_t{3} << 29);
  EXPECT_EQ(ParseBytes("1048576").value(), 1u << 20);
  EXPECT_EQ(ParseBytes("unlimited").value(), kNoBytesLimit);
  for (const char* wrong : {"", "GB", "5", "1 PiB", "-1 GB", "2 GB more"}) {
    EXPECT_FALSE(ParseBytes(wrong).ok()) << wrong;
  }
}

TEST(LimitsTest, SaysAgesAndSizesAsTheyAreWritten) {
  EXPECT_EQ(AgeText(absl::Hours(90 * 24)), "90 days");
  EXPECT_EQ(AgeText(absl::InfiniteDuration()), "forever");
  EXPECT_EQ(BytesText(uint64_t{20} << 30), "20 GiB");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(kNoBytesLimit), "unlimited");
  EXPECT_EQ(ParseAge(AgeText(absl::Hours(48))).value(), absl::Hours(48));
  EXPECT_EQ(ParseBytes(BytesText(5 << 20)).value(), 5u << 20);
}

TEST(LimitsTest, AProjectsSettingsReplaceTheFarmsAgesButNotItsSizes) {
  Limits farm;
  farm.traces.bytes = 1 << 30;
  const Limits own = ProjectLimits(
      farm, {{"keep-traces", "7d"}, {"artifacts-size", "2GB"}, {"keep-pipelines", "nonsense"}});
  EXPECT_EQ(own.traces.age, absl::Hours(7 * 24));
  EXPECT_EQ(own.traces.bytes, kNoBytesLimit);  // the farm's counts for all projects together
  EXPECT_EQ(own.artifacts.bytes, uint64_t{2} << 30);
  EXPECT_EQ(ProjectLimits(farm, {{"keep-mirrors", "1 day"}}).mirrors.age, absl::Hours(24));
  EXPECT_EQ(own.pipelines, farm.pipelines);
  EXPECT_EQ(own.mirrors, farm.mirrors);
}

TEST(LimitsTest, RefusesASettingThatMakesNoSenseAndNamesIt) {
  EXPECT_TRUE(CheckSetting("keep-traces", "7 days").ok());
  EXPECT_TRUE(CheckSetting("keep-traces", "").ok());
  EXPECT_THAT(std::string(CheckSetting("traces-size", "much").message()),
              HasSubstr("traces-size"));
  EXPECT_FALSE(IsSetting("timeout"));
}

}  // namespace
}  // namespace grange::retention
