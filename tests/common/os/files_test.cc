#include "common/os/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"

namespace grange::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override { dir_ = *MakeTempDir("grange-files-test"); }
  void TearDown() override { ASSERT_TRUE(RemoveTree(dir_).ok()); }
  std::string At(const std::string& name) const { return dir_ + "/" + name; }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  std::string dir_;
};

TEST(ErrnoStatusTest, HasACodeForProgramsAndTheTextForPeople) {
  struct {
    int error;
    absl::StatusCode code;
  } const cases[] = {
      {ENOENT, absl::StatusCode::kNotFound},
      {EEXIST, absl::StatusCode::kAlreadyExists},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {EROFS, absl::StatusCode::kPermissionDenied},
      {ENOSPC, absl::StatusCode::kResourceExhausted},
      {EDQUOT, absl::StatusCode::kResourceExhausted},
      {EMFILE, absl::StatusCode::kResourceExhausted},
      {EISDIR, absl::StatusCode::kInvalidArgument},
      {EIO, absl::StatusCode::kUnavailable},
  };
  for (const auto& c : cases) EXPECT_EQ(ErrnoStatus(c.error, "x", "y").code(), c.code) << c.error;
  EXPECT_EQ(ErrnoStatus(ENOENT, "cannot read", "/a").message(),
            "cannot read '/a': No such file or directory");
}

TEST_F(FilesTest, WhatIsWrittenIsRead) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(WriteFile(At("f"), content).ok());
  EXPECT_EQ(*ReadFile(At("f")), content);
}

TEST_F(FilesTest, ReadRefusesMoreThanItsLimit) {
  ASSERT_TRUE(WriteFile(At("f"), "12345").ok());
  EXPECT_EQ(*ReadFile(At("f"), 5), "12345");
  EXPECT_TRUE(absl::IsResourceExhausted(ReadFile(At("f"), 4).status()));
}

TEST_F(FilesTest, ReadTakesFilesWhoseSizeIsNotKnown) {
  EXPECT_THAT(*ReadFile("/proc/self/status"), HasSubstr("Pid:"));
}

TEST_F(FilesTest, ReadSaysWhatIsWrong) {
  EXPECT_TRUE(absl::IsNotFound(ReadFile(At("missing")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadFile(dir_).status()));
}

TEST_F(FilesTest, AnAtomicWriteReplacesAndLeavesNothingElse) {
  ASSERT_TRUE(WriteFileAtomic(At("f"), "old", 0600).ok());
  ASSERT_TRUE(WriteFileAtomic(At("f"), "new", 0640).ok());
  EXPECT_EQ(*ReadFile(At("f")), "new");
  EXPECT_EQ(ModeOf(At("f")), 0640u);
  EXPECT_THAT(*ListDir(dir_), ElementsAre("f"));
}

TEST_F(FilesTest, AnAtomicWriteThatFailsLeavesTheOldFileAlone) {
  ASSERT_TRUE(MakeDirs(At("d/inside")).ok());  // a file cannot be renamed over it
  EXPECT_FALSE(WriteFileAtomic(At("d"), "x").ok());
  EXPECT_THAT(*ListDir(dir_), ElementsAre("d"));
}

TEST_F(FilesTest, MakeDirsMakesParentsAndMindsNoneThatThereAre) {
  ASSERT_TRUE(MakeDirs(At("a/b/c"), 0750).ok());
  ASSERT_TRUE(MakeDirs(At("a/b/c"), 0750).ok());
  EXPECT_EQ(ModeOf(At("a/b")), 0750u);
  ASSERT_TRUE(WriteFile(At("file"), "").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(MakeDirs(At("file"))));
}

TEST_F(FilesTest, RemoveTreeRemovesLinksAndNotWhatTheyPointTo) {
  ASSERT_TRUE(MakeDirs(At("kept")).ok());
  ASSERT_TRUE(WriteFile(At("kept/f"), "x").ok());
  ASSERT_TRUE(MakeDirs(At("tree/deep")).ok());
  ASSERT_EQ(symlink(At("kept").c_str(), At("tree/deep/link").c_str()), 0);
  ASSERT_EQ(symlink(At("kept").c_str(), At("link").c_str()), 0);

  EXPECT_TRUE(RemoveTree(At("tree")).ok());
  EXPECT_TRUE(RemoveTree(At("link")).ok());

  EXPECT_THAT(*ListDir(dir_), ElementsAre("kept"));
  EXPECT_TRUE(Exists(At("kept/f")));
}

TEST_F(FilesTest, RemoveTreeEntersFoldersThatAJobHasClosed) {
  ASSERT_TRUE(MakeDirs(At("tree/closed/inside")).ok());
  ASSERT_EQ(chmod(At("tree/closed").c_str(), 0), 0);
  EXPECT_TRUE(RemoveTree(At("tree")).ok());
  EXPECT_FALSE(Exists(At("tree")));
}

TEST_F(FilesTest, RemoveTreeOfNothingIsFine) {
  EXPECT_TRUE(RemoveTree(At("missing")).ok());
  EXPECT_TRUE(RemoveTree(At("missing/below")).ok());
}

TEST_F(FilesTest, ALinkThatPointsNowhereExists) {
  ASSERT_EQ(symlink("nowhere", At("link").c_str()), 0);
  EXPECT_TRUE(Exists(At("link")));
  EXPECT_FALSE(Exists(At("nowhere")));
}

TEST_F(FilesTest, ListDirIsSorted) {
  for (const char* name : {"b", "a", ".hidden"}) ASSERT_TRUE(WriteFile(At(name), "").ok());
  EXPECT_THAT(*ListDir(dir_), ElementsAre(".hidden", "a", "b"));
}

TEST_F(FilesTest, ReadFileBelowNeverLeavesTheFolder) {
  ASSERT_TRUE(MakeDirs(At("in/sub")).ok());
  ASSERT_TRUE(WriteFile(At("in/sub/f"), "inside").ok());
  ASSERT_TRUE(WriteFile(At("out"), "outside").ok());
  ASSERT_EQ(symlink(At("out").c_str(), At("in/link").c_str()), 0);
  EXPECT_EQ(*ReadFileBelow(At("in"), "sub/f"), "inside");
  for (const char* path : {"../out", "link", "sub/../../out", "missing", ""}) {
    EXPECT_TRUE(absl::IsNotFound(ReadFileBelow(At("in"), path).status())) << path;
  }
}

TEST_F(FilesTest, RealPathFollowsLinks) {
  ASSERT_TRUE(WriteFile(At("f"), "").ok());
  ASSERT_EQ(symlink("f", At("link").c_str()), 0);
  EXPECT_EQ(*RealPath(At("link")), *RealPath(At("f")));
  EXPECT_TRUE(absl::IsNotFound(RealPath(At("missing")).status()));
}

TEST(JoinPathTest, PutsOneSlashBetween) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
}

TEST(WriteAllTest, SaysWhenNobodyReads) {
  const UniqueFd fd(open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(fd.is_open());
  EXPECT_TRUE(absl::IsResourceExhausted(WriteAll(fd.get(), "x")));
}

}  // namespace
}  // namespace grange::os
