#include "agent/workspace/kept_folders.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::workspace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;

class KeptFoldersTest : public ::testing::Test {
 protected:
  KeptFoldersTest() : dir_(os::MakeTempDir("grange-kept").value()) {}
  ~KeptFoldersTest() override { os::RemoveTree(dir_).IgnoreError(); }

  void Make(const std::string& folder) { ASSERT_TRUE(os::MakeDirs(Path(folder)).ok()); }
  void SetLastUse(const std::string& folder, absl::Time time) {
    const timespec times[2] = {absl::ToTimespec(time), absl::ToTimespec(time)};
    ASSERT_EQ(utimensat(AT_FDCWD, Path(folder).c_str(), times, 0), 0);
  }
  std::string Path(const std::string& name) const { return absl::StrCat(dir_, "/", name); }
  // By its name below the state directory.
  std::map<std::string, KeptFolder> List(const KeepLimits& limits = {}) const {
    const std::atomic<bool> stop = false;
    std::map<std::string, KeptFolder> folders;
    for (KeptFolder& folder : ListKept(dir_, limits, absl::Now(), stop)) {
      folders[folder.path.substr(dir_.size() + 1)] = folder;
    }
    return folders;
  }

  std::string dir_;
};

TEST_F(KeptFoldersTest, ListsMirrorsAndWhatEverySlotHasButVariables) {
  for (const char* name : {"mirrors/3.git", "workspaces/0/app", "workspaces/7/app",
                           "workspaces/7/.home", "workspaces/7/.files", "workspaces/other/app",
                           "workspaces/0/.gone-1-2", "mirrors/.gone-1-2", "jobs/1-1"}) {
    Make(name);
  }
  const std::map<std::string, KeptFolder> folders = List();
  EXPECT_THAT(folders, ElementsAre(Key("mirrors/3.git"), Key("workspaces/0/app"),
                                   Key("workspaces/7/.home"), Key("workspaces/7/app")));
  EXPECT_EQ(folders.at("mirrors/3.git").kind, KeptKind::kMirror);
  EXPECT_EQ(folders.at("workspaces/7/app").kind, KeptKind::kWorkTree);
  EXPECT_THAT(LeftAside(dir_),
              ElementsAre(Path("mirrors/.gone-1-2"), Path("workspaces/0/.gone-1-2")));
}

TEST_F(KeptFoldersTest, MeasuresOnlyKindsWithASizeLimit) {
  for (const char* name : {"mirrors/3.git", "workspaces/0/app"}) {
    Make(name);
    ASSERT_TRUE(os::WriteFile(Path(name) + "/file", std::string(1'000'000, 'x')).ok());
  }
  const std::map<std::string, KeptFolder> folders = List({.mirrors = {.bytes = 1}});
  EXPECT_GE(folders.at("mirrors/3.git").bytes, 1'000'000u);
  EXPECT_EQ(folders.at("workspaces/0/app").bytes, 0u);
}

TEST_F(KeptFoldersTest, AUseIsTheLastOneUntilTheNext) {
  Make("workspaces/0/app");
  const absl::Time long_ago = absl::FromUnixSeconds(1'000'000'000);
  SetLastUse("workspaces/0/app", long_ago);
  EXPECT_EQ(List().at("workspaces/0/app").last_use, long_ago);
  NoteUse(Path("workspaces/0/app"));
  EXPECT_GT(List().at("workspaces/0/app").last_use, absl::Now() - absl::Hours(1));
  NoteUse(Path("workspaces/0/nothing"));
  EXPECT_FALSE(os::Exists(Path("workspaces/0/nothing")));
}

TEST_F(KeptFoldersTest, AUseInTheFutureCountsAsNow) {
  Make("workspaces/0/app");
  SetLastUse("workspaces/0/app", absl::Now() + absl::Hours(24 * 1000));
  EXPECT_LT(List().at("workspaces/0/app").last_use, absl::Now() + absl::Hours(1));
}

TEST_F(KeptFoldersTest, KnowsTheMirrorThatAWorkTreeBorrowsFrom) {
  Make("workspaces/0/app/.git/objects/info");
  Make("workspaces/0/fifo/.git/objects/info");
  Make("workspaces/0/none");
  const std::string mirror = Path("mirrors/3.git");
  ASSERT_TRUE(
      os::WriteFile(Path("workspaces/0/app/.git/objects/info/alternates"), mirror + "/objects\n")
          .ok());
  ASSERT_EQ(mkfifo(Path("workspaces/0/fifo/.git/objects/info/alternates").c_str(), 0600), 0);
  const std::map<std::string, KeptFolder> folders = List();
  EXPECT_EQ(folders.at("workspaces/0/app").mirror, mirror);
  EXPECT_EQ(folders.at("workspaces/0/fifo").mirror, "");
  EXPECT_EQ(folders.at("workspaces/0/none").mirror, "");
}

TEST_F(KeptFoldersTest, APutAsideFolderIsNoLongerListedAndFoundAgain) {
  Make("workspaces/0/app/deep");
  ASSERT_EQ(chmod(Path("workspaces/0/app").c_str(), 0500), 0);  // as a job may leave it
  const absl::StatusOr<std::string> aside = PutAside(List().at("workspaces/0/app"), absl::Now());
  ASSERT_TRUE(aside.ok()) << aside.status();
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_FALSE(os::Exists(Path("workspaces/0/app")));
  EXPECT_THAT(LeftAside(dir_), ElementsAre(*aside));
}

TEST_F(KeptFoldersTest, WhatWasUsedSinceItWasListedStays) {
  Make("workspaces/0/app");
  SetLastUse("workspaces/0/app", absl::FromUnixSeconds(1'000'000'000));
  const KeptFolder listed = List().at("workspaces/0/app");
  NoteUse(Path("workspaces/0/app"));
  EXPECT_TRUE(absl::IsNotFound(PutAside(listed, absl::Now()).status()));
  EXPECT_TRUE(os::Exists(Path("workspaces/0/app")));
}

}  // namespace
}  // namespace grange::workspace
