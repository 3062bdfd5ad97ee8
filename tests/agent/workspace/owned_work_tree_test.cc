#include "agent/workspace/owned_work_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/workspace/artifact_archive.h"
#include "agent/workspace/git_mirrors.h"
#include "agent/workspace/work_tree.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// Work trees of jobs that run as another user; as root only.
namespace grange::workspace {
namespace {

constexpr Owner kJob{.uid = 4000001, .gid = 4000001};
constexpr Owner kOther{.uid = 4000002, .gid = 4000002};

struct stat Look(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info;
}

class OwnedWorkTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "only root can give files to another user";
    dir_ = os::MakeTempDir("grange-owned").value();
    ASSERT_EQ(::chmod(dir_.c_str(), 0711), 0);
    git_ = GitCommand::Make(dir_).value();
    ASSERT_EQ(::chmod(Path("gitconfig").c_str(), 0644), 0);
    Git({"init", "-q", "--bare", "-b", "main", Path("mirror")});
    Git({"init", "-q", "-b", "main", Path("origin")});
    ASSERT_EQ(::chmod(Path("mirror").c_str(), 0700), 0);
  }
  ~OwnedWorkTreeTest() override {
    if (!dir_.empty()) os::RemoveTree(dir_).IgnoreError();  // harms no other test
  }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  std::string Read(const std::string& name) { return os::ReadFile(Path(name)).value_or("(none)"); }
  std::string Run(std::vector<std::string> argv) {
    os::ChildOptions options;
    options.argv = std::move(argv);
    options.cwd = dir_;
    const absl::StatusOr<os::RunResult> result = os::Run(options);
    EXPECT_TRUE(result.ok() && result->status.ok()) << (result.ok() ? result->err : "");
    return result.ok() ? std::string(absl::StripAsciiWhitespace(result->out)) : "";
  }
  std::string Git(std::vector<std::string> args) {
    args.insert(args.begin(), {"git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c",
                               "safe.directory=*"});
    return Run(std::move(args));
  }
  std::string Commit(const std::string& file, const std::string& content) {
    EXPECT_TRUE(os::WriteFile(Path("origin/" + file), content, 0644).ok());
    Git({"-C", Path("origin"), "add", "-A"});
    Git({"-C", Path("origin"), "commit", "-q", "-m", "change " + file});
    Git({"-C", Path("origin"), "push", "-q", Path("mirror"), "main"});
    return Git({"-C", Path("origin"), "rev-parse", "HEAD"});
  }
  absl::Status CheckOut(const std::string& sha, const Owner& owner = kJob,
                        Sources::Strategy strategy = Sources::Strategy::kFetch) {
    Sources sources;
    sources.project = ProjectId(7);
    sources.project_name = "app";
    sources.sha = sha;
    sources.ref_name = "main";
    sources.depth = 20;
    sources.strategy = strategy;
    return PrepareOwnedWorkTree(Path("slot/tree"), Path("mirror"), sources, owner, git_,
                                absl::Seconds(30), cancellation_);
  }

  std::string dir_;
  GitCommand git_;
  Cancellation cancellation_;
};

TEST_F(OwnedWorkTreeTest, TheTreeIsTheUsersAndClosedToOthers) {
  const std::string sha = Commit("a", "1");
  const absl::Status status = CheckOut(sha);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read("slot/tree/a"), "1");
  EXPECT_EQ(Look(Path("slot/tree")).st_mode & 07777, 0700U);
  for (const char* name : {"slot/tree", "slot/tree/a", "slot/tree/.git", "slot/tree/.git/config",
                           "slot/tree/.git/index", "slot/tree/.git/HEAD"}) {
    EXPECT_EQ(Look(Path(name)).st_uid, kJob.uid) << name;
  }
  EXPECT_EQ(Look(Path("slot")).st_uid, 0U);  // or it could put another tree in its place
  EXPECT_EQ(Look(Path("slot")).st_mode & 07777, 0711U);
}

TEST_F(OwnedWorkTreeTest, GitOfTheJobFindsAllThatItNeedsWithoutTheMirror) {
  Commit("a", "1");
  const std::string sha = Commit("a", "2");
  ASSERT_TRUE(CheckOut(sha).ok());
  const std::vector<std::string> as_job = {"setpriv",
                                           absl::StrCat("--reuid=", kJob.uid),
                                           absl::StrCat("--regid=", kJob.gid),
                                           "--clear-groups",
                                           "git",
                                           "-C",
                                           Path("slot/tree")};
  const auto git = [&](std::vector<std::string> args) {
    args.insert(args.begin(), as_job.begin(), as_job.end());
    return Run(std::move(args));
  };
  EXPECT_EQ(git({"rev-parse", "HEAD"}), sha);
  EXPECT_EQ(git({"rev-parse", "origin/main"}), sha);
  EXPECT_EQ(git({"status", "--porcelain"}), "");
  EXPECT_EQ(git({"log", "--format=%s"}), "change a\nchange a");
  EXPECT_EQ(git({"fsck"}), "");
}

TEST_F(OwnedWorkTreeTest, J9_WhatAnEarlierJobLeftInGitsFolderNeverRuns) {
  const std::string sha = Commit("a", "1");
  ASSERT_TRUE(CheckOut(sha).ok());
  const std::string ran = Path("slot/ran");
  const std::string run = absl::StrCat("touch ", ran);
  ASSERT_TRUE(
      os::WriteFile(Path("slot/tree/.git/config"),
                    absl::StrCat("[core]\n\tfsmonitor = \"", run, "; :\"\n\tsshCommand = ", run,
                                 "\n\tpager = ", run, "\n[filter \"x\"]\n\tsmudge = \"", run,
                                 "; cat\"\n\trequired\n[alias]\n\tcheckout = !", run, "\n"))
          .ok());
  ASSERT_TRUE(os::WriteFile(Path("slot/tree/.gitattributes"), "* filter=x\n").ok());
  ASSERT_TRUE(os::MakeDirs(Path("slot/tree/.git/hooks")).ok());
  for (const char* hook : {"post-checkout", "reference-transaction", "post-index-change"}) {
    ASSERT_TRUE(os::WriteFile(Path(absl::StrCat("slot/tree/.git/hooks/", hook)),
                              absl::StrCat("#!/bin/sh\n", run, "\n"), 0755)
                    .ok());
  }
  ASSERT_TRUE(GiveTree(Path("slot/tree"), kJob).ok());
  // For a job of the same user, and for an agent that goes back to running jobs as root.
  ASSERT_TRUE(CheckOut(sha).ok());
  EXPECT_FALSE(os::Exists(ran));
  EXPECT_FALSE(os::Exists(Path("slot/tree/.gitattributes")));
  EXPECT_FALSE(os::Exists(Path("slot/tree/.git/hooks")));
}

TEST_F(OwnedWorkTreeTest, J9_AForgedIndexHidesNoChangeFromTheNextJob) {
  const std::string sha = Commit("a", "1");
  ASSERT_TRUE(CheckOut(sha).ok());
  ASSERT_TRUE(os::WriteFile(Path("slot/tree/a"), "2").ok());
  Git({"-C", Path("slot/tree"), "update-index", "--assume-unchanged", "a"});
  ASSERT_TRUE(CheckOut(sha).ok());
  EXPECT_EQ(Read("slot/tree/a"), "1");
}

TEST_F(OwnedWorkTreeTest, J9_LinksOfAnEarlierJobLeadNowhere) {
  const std::string sha = Commit("a", "1");
  ASSERT_TRUE(CheckOut(sha).ok());
  ASSERT_TRUE(os::MakeDirs(Path("outside/deep")).ok());
  ASSERT_TRUE(os::WriteFile(Path("outside/deep/precious"), "x").ok());
  ASSERT_EQ(::symlink(Path("outside").c_str(), Path("slot/tree/link").c_str()), 0);
  ASSERT_TRUE(os::RemoveTree(Path("slot/tree/.git")).ok());
  ASSERT_EQ(::symlink(Path("outside").c_str(), Path("slot/tree/.git").c_str()), 0);
  ASSERT_TRUE(CheckOut(sha).ok());
  EXPECT_EQ(Read("outside/deep/precious"), "x");
  EXPECT_EQ(os::ListDir(Path("outside")).value(), std::vector<std::string>{"deep"});
  EXPECT_EQ(Look(Path("outside/deep/precious")).st_uid, 0U);
  EXPECT_EQ(Look(Path("outside")).st_uid, 0U);
}

TEST_F(OwnedWorkTreeTest, AFolderWithoutSourcesStaysForItsUserAndGoesForAnother) {
  ASSERT_TRUE(CheckOut("", kJob, Sources::Strategy::kNone).ok());
  ASSERT_TRUE(os::WriteFile(Path("slot/tree/kept"), "x").ok());
  ASSERT_EQ(::chmod(Path("slot/tree").c_str(), 0777), 0);
  ASSERT_TRUE(CheckOut("", kJob, Sources::Strategy::kNone).ok());
  EXPECT_EQ(Read("slot/tree/kept"), "x");
  EXPECT_EQ(Look(Path("slot/tree")).st_mode & 07777, 0700U);
  ASSERT_TRUE(CheckOut("", kOther, Sources::Strategy::kNone).ok());
  EXPECT_FALSE(os::Exists(Path("slot/tree/kept")));
  EXPECT_EQ(Look(Path("slot/tree")).st_uid, kOther.uid);
}

TEST_F(OwnedWorkTreeTest, J9_AnAgentThatGoesBackToItsOwnUserMakesTheTreeAnew) {
  const std::string sha = Commit("a", "1");
  ASSERT_TRUE(CheckOut(sha).ok());
  ASSERT_TRUE(os::WriteFile(Path("slot/tree/left"), "x").ok());
  Sources sources;
  sources.project_name = "app";
  sources.sha = sha;
  sources.ref_name = "main";
  ASSERT_TRUE(PrepareWorkTree(Path("slot/tree"), Path("mirror"), sources, git_, absl::Seconds(30),
                              cancellation_)
                  .ok());
  EXPECT_FALSE(os::Exists(Path("slot/tree/left")));
  EXPECT_EQ(Look(Path("slot/tree")).st_uid, 0U);
}

TEST_F(OwnedWorkTreeTest, ArtifactsThatAreLaidDownBelongToTheUser) {
  ASSERT_TRUE(os::MakeDirs(Path("made/below")).ok());
  ASSERT_TRUE(os::WriteFile(Path("made/below/file"), "x").ok());
  ASSERT_EQ(::symlink("file", Path("made/below/link").c_str()), 0);
  ASSERT_TRUE(WriteArchive(Path("made"), {"below"}, {}, Path("archive"), {}, cancellation_).ok());
  ASSERT_TRUE(CheckOut("", kJob, Sources::Strategy::kNone).ok());
  ASSERT_TRUE(ExtractArchive(Path("archive"), Path("slot/tree"), {}, cancellation_, kJob).ok());
  for (const char* name : {"below", "below/file", "below/link"}) {
    EXPECT_EQ(Look(Path(absl::StrCat("slot/tree/", name))).st_uid, kJob.uid) << name;
  }
}

TEST_F(OwnedWorkTreeTest, J9_AFileOfAnotherUserThatIsLinkedInIsNoArtifact) {
  ASSERT_TRUE(CheckOut("", kJob, Sources::Strategy::kNone).ok());
  ASSERT_TRUE(os::WriteFile(Path("credential"), "secret").ok());
  // What a job can do where the kernel doesn't protect hard links.
  ASSERT_EQ(::link(Path("credential").c_str(), Path("slot/tree/mine").c_str()), 0);
  const absl::Status packed =
      WriteArchive(Path("slot/tree"), {"*"}, {}, Path("archive"), {}, cancellation_, kJob).status();
  EXPECT_TRUE(absl::IsPermissionDenied(packed)) << packed;
  EXPECT_TRUE(absl::StrContains(packed.message(), "'mine' is a file of another user"));
}

}  // namespace
}  // namespace grange::workspace
