// A11: the wall clocks of coordinator and agent jump by an hour, back and forth, while jobs run.
// Only what people read may change.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

// Where Debian has it, on each of its machines.
std::string FaketimeLibrary() {
  for (const char* machine : {"x86_64-linux-gnu", "aarch64-linux-gnu"}) {
    const std::string path = absl::StrCat("/usr/lib/", machine, "/faketime/libfaketimeMT.so.1");
    if (os::Exists(path)) return path;
  }
  return "";
}

class ClockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (FaketimeLibrary().empty()) GTEST_SKIP() << "faketime is not installed";
    SetClock("+0");
    const std::vector<std::string> environment = {
        absl::StrCat("LD_PRELOAD=", FaketimeLibrary()),
        absl::StrCat("FAKETIME_TIMESTAMP_FILE=", ClockFile()), "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1"};
    Farm::Options options;
    options.coordinator_environment = environment;
    options.agent_environment = environment;
    farm_ = std::make_unique<Farm>(options);
    farm_->AddAgent();
  }
  std::string ClockFile() const { return folder_.path() + "/clock"; }
  // An offset such as "-1h", at once for all programs.
  void SetClock(const std::string& offset) {
    ASSERT_TRUE(os::WriteFileAtomic(ClockFile(), offset + "\n", 0644).ok());
  }

  // By how much the coordinator's clock was ahead when it made the pipeline.
  double HoursAhead(int64_t pipeline) {
    const nlohmann::json listed = farm_->Ctl({"pipelines", "-o", "json"}).json();
    for (const nlohmann::json& one : listed.value("pipelines", nlohmann::json::array())) {
      absl::Time created;
      std::string error;
      if (one.value("id", int64_t{0}) == pipeline &&
          absl::ParseTime(absl::RFC3339_full, Text(one, "created_at"), &created, &error)) {
        return absl::ToDoubleHours(created - absl::Now());
      }
    }
    return -1000;
  }

  TempDir folder_;
  std::unique_ptr<Farm> farm_;
};

TEST_F(ClockTest, A11_AWallClockThatJumpsEndsNothingAndHoldsNothingUp) {
  const std::string door = farm_->dir() + "/door";
  const std::string repo = farm_->MakeRepository(
      "app",
      "long:\n"
      "  script:\n"
      "    - for n in -1 1 -2 0; do while test ! -e $DOOR$n; do read -t 0.05 <> <(:) || :; done;"
      " echo \"line $n\"; done\n");
  // Its start comes by a timer of the coordinator alone.
  const std::string delayed = farm_->MakeRepository("delayed", "job: {script: ['echo quick'], when: delayed, start_in: 1 second}\n");
  const int64_t running = farm_->Submit(repo, {"--var", "DOOR=" + door});
  ASSERT_TRUE(farm_->WaitForJob(running, "long", "running"));

  const int64_t id = farm_->Job(running, "long").value("id", int64_t{0});

  for (const int hours : {-1, 1, -2, 0}) {
    const std::string offset = absl::StrCat(hours < 0 ? "-" : "+", std::abs(hours), "h");
    SetClock(offset);
    const int64_t pipeline = farm_->Submit(delayed);
    EXPECT_EQ(farm_->WaitForPipeline(pipeline), "success") << offset;
    EXPECT_NEAR(HoursAhead(pipeline), hours, 0.2);
    ASSERT_TRUE(os::WriteFile(absl::StrCat(door, hours), "").ok());
    EXPECT_TRUE(Eventually([&] {
      return absl::StrContains(farm_->Trace(id), absl::StrCat("line ", hours, "\n"));
    })) << offset;
  }

  EXPECT_EQ(farm_->WaitForPipeline(running), "success");
  EXPECT_EQ(farm_->Job(running, "long").value("attempt", 0), 1);
  // Nobody was taken for gone.
  EXPECT_FALSE(absl::StrContains(farm_->coordinator().Log(), "agent_disconnected"));
}

}  // namespace
}  // namespace grange::test
