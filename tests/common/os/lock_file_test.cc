#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::os {
namespace {

using ::testing::HasSubstr;

class LockFileTest : public ::testing::Test {
 protected:
  void SetUp() override { dir_ = *MakeTempDir("grange-lock-test"); }
  void TearDown() override { ASSERT_TRUE(RemoveTree(dir_).ok()); }
  std::string path() const { return dir_ + "/lock"; }

  std::string dir_;
};

TEST_F(LockFileTest, IsHeldByOneAtATimeAndNamesTheHolder) {
  const absl::StatusOr<LockFile> held = LockFile::Acquire(path());
  ASSERT_TRUE(held.ok()) << held.status();

  const absl::Status second = LockFile::Acquire(path()).status();

  EXPECT_TRUE(absl::IsAlreadyExists(second));
  EXPECT_THAT(std::string(second.message()), HasSubstr(absl::StrCat("(pid ", getpid(), ")")));
  EXPECT_THAT(std::string(second.message()), HasSubstr("'" + dir_ + "'"));
}

TEST_F(LockFileTest, IsFreeAgainWhenItsHolderGoes) {
  { ASSERT_TRUE(LockFile::Acquire(path()).ok()); }
  EXPECT_TRUE(LockFile::Acquire(path()).ok());
}

TEST_F(LockFileTest, AFileThatADeadProcessLeftIsNoLock) {
  ASSERT_TRUE(WriteFile(path(), "4194303 and more").ok());
  ASSERT_TRUE(LockFile::Acquire(path()).ok());
  EXPECT_EQ(*ReadFile(path()), absl::StrCat(getpid()));
}

TEST_F(LockFileTest, A1WaitsForWhatAKilledHolderWasJustStarting) {
  // As the child of a process that was killed between the start of that child and its program: it
  // still has the descriptor, and the file names the dead.
  ASSERT_TRUE(WriteFile(path(), "999999999").ok());
  UniqueFd left(open(path().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(left.get(), LOCK_EX | LOCK_NB), 0);
  std::thread program([&left] {
    poll(nullptr, 0, 50);
    left.Reset();
  });
  EXPECT_TRUE(LockFile::Acquire(path()).ok());
  program.join();
}

TEST_F(LockFileTest, NeedsItsFolder) {
  EXPECT_TRUE(absl::IsNotFound(LockFile::Acquire(dir_ + "/missing/lock").status()));
}

}  // namespace
}  // namespace grange::os
