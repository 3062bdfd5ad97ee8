// A full disk at the coordinator: said clearly, and nothing is lost.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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
  Farm::Options OnASmallDisk() {
    return {.time_scale = 1,
            .coordinator_arguments = {},
            .agent_environment = {},
            .prepare_state = [this](const std::string& state) {
              absl::StatusOr<std::unique_ptr<SmallDisk>> disk = SmallDisk::Mount(state, kDiskBytes);
              ASSERT_TRUE(disk.ok()) << disk.status();
              disk_ = *std::move(disk);
            }};
  }

  std::unique_ptr<SmallDisk> disk_;
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
    EXPECT_TRUE(absl::StrContains(refused.err, "full")) << refused.err;
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

}  // namespace
}  // namespace grange::test
