// A full disk at an agent: who has filled it fails and hears so, all others end well.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tests/support/small_disk.h"

namespace grange::test {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kDiskBytes = 64 << 20;
constexpr char kPrints[] = "for i in $(seq 1 60); do seq 1 2000; sleep 0.05; done";

// What a job with this script prints.
std::string PrintedBy(int rounds) {
  std::string numbers;
  for (int i = 1; i <= 2000; ++i) absl::StrAppend(&numbers, i, "\n");
  std::string all = absl::StrCat("$ ", kPrints, "\n");
  for (int round = 0; round < rounds; ++round) all += numbers;
  return all;
}

// One agent with a small disk, on which one job fills the disk beside two that print.
class AgentDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!EnterOwnMounts().ok()) GTEST_SKIP() << "needs root for a small file system of its own";
    farm_ = std::make_unique<Farm>(Farm::Options{
        .time_scale = 1,
        .coordinator_arguments = {},
        .agent_environment = {},
        .prepare_state = {},
        .agent_arguments = {"--keep-free", "0", "--pause-free", "8", "--disk-full-after", "4"}});
    absl::StatusOr<std::unique_ptr<SmallDisk>> disk =
        SmallDisk::Mount(farm_->AgentState("agent-1"), kDiskBytes);
    ASSERT_TRUE(disk.ok()) << disk.status();
    disk_ = *std::move(disk);
    farm_->AddAgent({.name = "agent-1", .slots = 3});
    gate_ = farm_->dir() + "/gate";
    ASSERT_EQ(mkfifo(gate_.c_str(), 0600), 0);
  }

  // Its reason and detail, once all have ended as they should.
  nlohmann::json EndOfTheOneThat(const std::string& fills) {
    const std::string repo = farm_->MakeRepository(
        "app", absl::StrCat("variables: {GIT_STRATEGY: none}\n", "fills: {script: ['cat ", gate_,
                            "', '", fills, "']}\n", "one: {script: ['", kPrints, "']}\n",
                            "two: {script: ['", kPrints, "']}\n"));
    const int64_t pipeline = farm_->Submit(repo);
    for (const char* job : {"fills", "one", "two"}) {
      EXPECT_TRUE(farm_->WaitForJob(pipeline, job, "running"));
    }
    os::UniqueFd(open(gate_.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(farm_->WaitForPipeline(pipeline), "failed");
    for (const char* job : {"one", "two"}) {
      const nlohmann::json row = farm_->Job(pipeline, job);
      EXPECT_EQ(Text(row, "status"), "success") << row;
      EXPECT_TRUE(farm_->Trace(row["id"]) == PrintedBy(60)) << job;
    }
    nlohmann::json row = farm_->Job(pipeline, "fills");
    EXPECT_EQ(Text(row, "failure_reason"), "agent_disk_full") << row;
    // The space comes back, and with it the work.
    farm_->Commit(repo, {{".gitlab-ci.yml", "job: {script: ['true']}\n"}});
    EXPECT_EQ(farm_->WaitForPipeline(farm_->Submit(repo)), "success");
    return row;
  }

  std::unique_ptr<Farm> farm_;
  std::string gate_;
  std::unique_ptr<SmallDisk> disk_;  // goes first
};

TEST_F(AgentDiskTest, A8_AJobThatFillsTheDiskWithAFileFailsAndOthersEndWell) {
  const nlohmann::json end = EndOfTheOneThat("cat /dev/zero > file");
  EXPECT_THAT(Text(end, "detail"), HasSubstr("MiB into its work tree")) << end;
}

TEST_F(AgentDiskTest, A8_AJobThatFillsTheDiskAndStaysIsEnded) {
  const nlohmann::json end = EndOfTheOneThat("cat /dev/zero > file || sleep 1000");
  EXPECT_THAT(Text(end, "detail"), HasSubstr("this job had written the most")) << end;
  EXPECT_THAT(Text(end, "detail"), HasSubstr("MiB into its work tree")) << end;
}

TEST_F(AgentDiskTest, A8_AJobThatPrintsWithoutEndIsEnded) {
  const nlohmann::json end = EndOfTheOneThat("yes 0123456789");
  EXPECT_THAT(Text(end, "detail"), HasSubstr("MiB into its log")) << end;
}

}  // namespace
}  // namespace grange::test
