// A full disk at the coordinator: said clearly, and nothing is lost.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tests/support/small_disk.h"

namespace grange::test {
namespace {

constexpr uint64_t kDiskBytes = 48 << 20;

// A mount of this process and its children only, on the farm's state directory.
class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!EnterOwnMounts().ok()) GTEST_SKIP() << "needs root for a small file system of its own";
  }
  // The farm keeps the disk as long as its folder.
  static Farm::Options OnASmallDisk() {
    return {.time_scale = 1,
            .coordinator_arguments = {},
            .agent_environment = {},
            .prepare_state = [kept = std::make_shared<std::unique_ptr<SmallDisk>>()](
                                 const std::string& state) {
              absl::StatusOr<std::unique_ptr<SmallDisk>> disk = SmallDisk::Mount(state, kDiskBytes);
              ASSERT_TRUE(disk.ok()) << disk.status();
              *kept = *std::move(disk);
            }};
  }
};

TEST_F(FullDiskTest, ARunningJobAndItsLogSurviveAndNothingElseIsTaken) {
  Farm farm(OnASmallDisk());
  farm.AddAgent();
  const std::string gate = farm.dir() + "/gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const std::string repo = farm.MakeRepository(
      "app", absl::StrCat("job: {script: ['cat ", gate, "', 'seq 1 200000']}\n"));
  const int64_t pipeline = farm.Submit(repo);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));

  {
    const Filler filler(farm.CoordinatorState() + "/filler");
    const CtlResult refused = farm.Ctl({"submit", repo});
    EXPECT_EQ(refused.exit_code, 1) << refused.err;
    // By the database, or by the coordinator that has heard it from the log's writer.
    EXPECT_TRUE(absl::StrContains(refused.err, "full") ||
                absl::StrContains(refused.err, "No space left on device"))
        << refused.err;
    os::UniqueFd(open(gate.c_str(), O_WRONLY | O_CLOEXEC));  // the job goes on
    EXPECT_TRUE(Eventually([&] {
      return absl::StrContains(farm.Ctl({"pipelines"}).err, "the coordinator's disk is full");
    }));
    const CtlResult canceled = farm.Ctl({"cancel", absl::StrCat(pipeline)});
    EXPECT_EQ(canceled.exit_code, 1) << canceled.out;
    EXPECT_TRUE(absl::StrContains(canceled.err, "free space")) << canceled.err;
  }

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  std::string numbers;
  for (int i = 1; i <= 200'000; ++i) absl::StrAppend(&numbers, i, "\n");
  EXPECT_TRUE(absl::EndsWith(farm.Trace(farm.Job(pipeline, "job")["id"]),
                             absl::StrCat("$ seq 1 200000\n", numbers)));
  EXPECT_EQ(farm.Ctl({"pipelines"}).err, "");
  farm.Commit(repo, {{".gitlab-ci.yml", "job: {script: ['true']}\n"}});
  EXPECT_EQ(farm.WaitForPipeline(farm.Submit(repo)), "success");
}

TEST_F(FullDiskTest, C4_AResultIsRecordedAndNothingNewBeginsUntilThereIsSpace) {
  Farm farm(OnASmallDisk());
  AgentOptions one_slot;
  one_slot.slots = 1;
  farm.AddAgent(one_slot);
  const std::string gate = farm.dir() + "/gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const std::string repo = farm.MakeRepository(
      "app", absl::StrCat("first: {script: ['cat ", gate, "']}\nnext: {script: ['true']}\nlast: {script: ['true']}\n"));
  const int64_t pipeline = farm.Submit(repo);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "first", "running"));
  const int64_t first = farm.Job(pipeline, "first")["id"];
  // All that it prints before the gate opens is durable; afterwards it prints nothing.
  ASSERT_TRUE(Eventually([&] {
    const std::string trace = farm.Trace(first);
    return absl::StrContains(trace, "cat") &&
           farm.Job(pipeline, "first")["trace_bytes"] == trace.size();
  }));

  {
    const Filler filler(farm.CoordinatorState() + "/filler");
    os::UniqueFd(open(gate.c_str(), O_WRONLY | O_CLOEXEC));  // the job ends
    EXPECT_TRUE(farm.WaitForJob(pipeline, "first", "success"));
    // The next one was given away in the same turn; what comes after it waits.
    const std::string last = absl::StrCat(int64_t{farm.Job(pipeline, "last")["id"]});
    EXPECT_TRUE(Eventually([&] {
      return absl::StrContains(farm.Ctl({"why", last}).out, "the coordinator's disk is full");
    })) << farm.Ctl({"why", last}).out;
    EXPECT_EQ(farm.Job(pipeline, "last")["status"], "pending");
    const CtlResult refused = farm.Ctl({"project", "set", "app", "default-branch", "x"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(absl::StrContains(refused.err, "free space")) << refused.err;
  }

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  EXPECT_TRUE(Eventually([&] { return os::Exists(farm.CoordinatorState() + "/reserve"); }));
}

TEST_F(FullDiskTest, C5_WhoFollowsALogHearsThatItIsPausedAndMissesNothing) {
  Farm farm(OnASmallDisk());
  farm.AddAgent();
  const std::string gate = farm.dir() + "/gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const std::string repo = farm.MakeRepository(
      "app", absl::StrCat("job: {script: ['cat ", gate, "', 'seq 1 200000']}\n"));
  const int64_t pipeline = farm.Submit(repo);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));
  const std::string job = absl::StrCat(int64_t{farm.Job(pipeline, "job")["id"]});
  const auto following = farm.StartCtl("following", {"logs", "-f", job});
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(following->Log(), "cat"); }));

  {
    const Filler filler(farm.CoordinatorState() + "/filler");
    os::UniqueFd(open(gate.c_str(), O_WRONLY | O_CLOEXEC));  // the job goes on
    EXPECT_TRUE(Eventually([&] {
      return absl::StrContains(following->Log(), "paused: the coordinator has no space");
    })) << following->Log();
  }

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  EXPECT_EQ(following->Wait().exit_code, 0);
  EXPECT_TRUE(absl::StrContains(following->Log(), "has space again"));
  EXPECT_TRUE(absl::StrContains(following->Log(), "\n199999\n200000\n"));
}

}  // namespace
}  // namespace grange::test
