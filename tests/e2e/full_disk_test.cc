// A full disk at the coordinator: said clearly, and nothing is lost.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr char kDiskOptions[] = "size=48m,mode=0700";

// Takes all space that is left on the file system of `path`, until it goes.
class Filler {
 public:
  explicit Filler(std::string path) : path_(std::move(path)) {
    const os::UniqueFd fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    off_t at = 0;
    for (off_t piece = 1 << 20; piece >= 4096; piece /= 2) {
      while (posix_fallocate(fd.get(), at, piece) == 0) at += piece;
    }
  }
  ~Filler() { unlink(path_.c_str()); }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

 private:
  const std::string path_;
};

// A mount of this process and its children only, on the farm's state directory.
class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "needs root for a small file system of its own";
    }
  }
  void TearDown() override {
    if (!state_.empty()) umount2(state_.c_str(), MNT_DETACH);
  }
  Farm::Options OnASmallDisk() {
    return {.time_scale = 1,
            .coordinator_arguments = {},
            .agent_environment = {},
            .prepare_state = [this](const std::string& state) {
              ASSERT_TRUE(os::MakeDirs(state).ok());
              ASSERT_EQ(mount("none", state.c_str(), "tmpfs", 0, kDiskOptions), 0) << errno;
              state_ = state;
            }};
  }

  std::string state_;
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
