#include "agent/session/agent_state.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "gtest/gtest.h"

namespace grange::session {
namespace {

constexpr char kDiskOptions[] = "size=20m,mode=0700";  // the ballast and a little more

// A state directory on a small disk of its own.
class SmallDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "needs root for a small file system of its own";
    }
    dir_ = os::MakeTempDir("grange-agent-state-test").value();
    ASSERT_EQ(mount("none", dir_.c_str(), "tmpfs", 0, kDiskOptions), 0);
  }
  void TearDown() override {
    if (dir_.empty()) return;
    umount2(dir_.c_str(), MNT_DETACH);
    os::RemoveTree(dir_).IgnoreError();  // an empty folder of a test that failed
  }
  // Takes all the space that is left.
  void Fill() {
    const os::UniqueFd fd(open((dir_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    off_t at = 0;
    for (off_t piece = 1 << 20; piece >= 4096; piece /= 2) {
      while (posix_fallocate(fd.get(), at, piece) == 0) at += piece;
    }
  }

  std::string dir_;
};

TEST_F(SmallDiskTest, A8AnAgentWithAFullDiskOpensASessionAllTheSame) {
  const AgentState state(dir_);
  ASSERT_TRUE(state.MakeBallast().ok());
  ASSERT_EQ(*state.NextSessionCounter(), 1);
  Fill();
  const absl::StatusOr<uint64_t> counter = state.NextSessionCounter();
  ASSERT_TRUE(counter.ok()) << counter.status();
  EXPECT_EQ(*counter, 2);
  EXPECT_FALSE(os::Exists(state.Path("ballast")));
  EXPECT_EQ(*state.NextSessionCounter(), 3);
}

TEST_F(SmallDiskTest, A8WithoutABallastAFullDiskIsSaid) {
  const AgentState state(dir_);
  Fill();
  EXPECT_TRUE(absl::IsResourceExhausted(state.NextSessionCounter().status()));
  EXPECT_TRUE(absl::IsResourceExhausted(state.MakeBallast()));
  EXPECT_FALSE(os::Exists(state.Path("ballast")));
}

}  // namespace
}  // namespace grange::session
