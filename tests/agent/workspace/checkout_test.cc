#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/workspace/git_mirrors.h"
#include "agent/workspace/work_tree.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "gtest/gtest.h"

namespace grange::workspace {
namespace {

// The coordinator's side: git's own upload-pack of a local repository, behind the socket.
class LocalDoor : public PackDoor {
 public:
  explicit LocalDoor(std::string repository) : repository_(std::move(repository)) {}

  absl::Status Serve(const Sources&, int socket, Cancellation&) override {
    ++served;
    if (!failure.ok()) return std::exchange(failure, absl::OkStatus());
    os::ChildOptions options;
    options.argv = {"git", "-c", "uploadpack.allowAnySHA1InWant=true", "upload-pack", repository_};
    options.stdin_fd = socket;
    options.stdout_fd = socket;
    absl::StatusOr<os::Child> child = os::Child::Start(options);
    if (!child.ok()) return child.status();
    child->Wait();
    return absl::OkStatus();
  }
  int served = 0;
  absl::Status failure;

 private:
  const std::string repository_;
};

class CheckoutTest : public testing::Test {
 protected:
  CheckoutTest() : dir_(os::MakeTempDir("grange-checkout").value()), door_(Path("origin")) {
    git_ = GitCommand::Make(dir_).value();
    EXPECT_TRUE(os::MakeDirs(Path("mirrors")).ok());
    Git({"init", "-q", "-b", "main", Path("origin")});
  }
  ~CheckoutTest() override { os::RemoveTree(dir_).IgnoreError(); }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  std::string Read(const std::string& name) { return os::ReadFile(Path(name)).value_or("(none)"); }

  // Runs git for the test itself and returns what it prints.
  std::string Git(std::vector<std::string> args) {
    os::ChildOptions options;
    options.argv = {
        "git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "safe.directory=*"};
    options.argv.insert(options.argv.end(), args.begin(), args.end());
    const absl::StatusOr<os::RunResult> result = os::Run(options);
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->status.ok()) << args[0] << ": " << result->err;
    return std::string(absl::StripAsciiWhitespace(result->out));
  }
  std::string Commit(const std::string& file, const std::string& content) {
    EXPECT_TRUE(os::WriteFile(Path("origin/" + file), content, 0644).ok());
    Git({"-C", Path("origin"), "add", "-A"});
    Git({"-C", Path("origin"), "commit", "-q", "-m", "change " + file});
    return Git({"-C", Path("origin"), "rev-parse", "HEAD"});
  }
  Sources At(const std::string& sha) {
    Sources sources;
    sources.project = ProjectId(7);
    sources.project_name = "app";
    sources.sha = sha;
    sources.ref_name = "main";
    return sources;
  }
  absl::Status CheckOut(const Sources& sources) {
    const absl::StatusOr<std::string> mirror =
        mirrors_.Ensure(sources, door_, absl::Seconds(30), cancellation_);
    if (!mirror.ok()) return mirror.status();
    return PrepareWorkTree(Path("tree"), *mirror, sources, git_, absl::Seconds(30), cancellation_);
  }

  const std::string dir_;
  LocalDoor door_;
  GitCommand git_;
  GitMirrors mirrors_{Path("mirrors"), git_};
  Cancellation cancellation_;
};

TEST_F(CheckoutTest, PutsTheCommitIntoTheWorkTree) {
  const std::string sha = Commit("a", "1");
  const absl::Status status = CheckOut(At(sha));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read("tree/a"), "1");
  EXPECT_EQ(Git({"-C", Path("tree"), "rev-parse", "HEAD"}), sha);
  EXPECT_EQ(Git({"-C", Path("tree"), "rev-parse", "origin/main"}), sha);
  EXPECT_EQ(Git({"-C", Path("tree"), "status", "--porcelain"}), "");
}

TEST_F(CheckoutTest, FetchesACommitOnlyOnce) {
  const std::string sha = Commit("a", "1");
  ASSERT_TRUE(CheckOut(At(sha)).ok());
  ASSERT_TRUE(CheckOut(At(sha)).ok());
  EXPECT_EQ(door_.served, 1);
  const std::string next = Commit("a", "2");
  ASSERT_TRUE(CheckOut(At(next)).ok());
  EXPECT_EQ(door_.served, 2);
  EXPECT_EQ(Read("tree/a"), "2");
}

TEST_F(CheckoutTest, CleansAReusedWorkTreeOfAllThatIsNotPartOfTheCommit) {
  const std::string first = Commit("a", "1");
  const std::string second = Commit("b", "2");
  ASSERT_TRUE(CheckOut(At(second)).ok());
  ASSERT_TRUE(os::WriteFile(Path("tree/a"), "changed").ok());
  ASSERT_TRUE(os::WriteFile(Path("tree/untracked"), "x").ok());
  ASSERT_TRUE(os::MakeDirs(Path("tree/folder/deep")).ok());
  ASSERT_TRUE(os::WriteFile(Path("tree/.git/config"), "[core]\n\tfsmonitor = /bin/false\n").ok());
  ASSERT_TRUE(os::MakeDirs(Path("tree/.git/hooks")).ok());
  ASSERT_TRUE(
      os::WriteFile(Path("tree/.git/hooks/post-checkout"), "#!/bin/sh\nexit 1\n", 0755).ok());
  ASSERT_TRUE(os::WriteFile(Path("tree/.git/index.lock"), "").ok());
  const absl::Status status = CheckOut(At(first));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(os::ListDir(Path("tree")).value(), (std::vector<std::string>{".git", "a"}));
  EXPECT_EQ(Read("tree/a"), "1");
  EXPECT_FALSE(os::Exists(Path("tree/.git/hooks/post-checkout")));
}

TEST_F(CheckoutTest, KeepsUnchangedFilesWhenItFetches) {
  const std::string sha = Commit("a", "1");
  ASSERT_TRUE(CheckOut(At(sha)).ok());
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat(Path("tree/a").c_str(), &before), 0);
  ASSERT_TRUE(CheckOut(At(sha)).ok());
  ASSERT_EQ(::stat(Path("tree/a").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(CheckoutTest, MakesAFreshWorkTreeForClone) {
  Sources sources = At(Commit("a", "1"));
  sources.strategy = Sources::Strategy::kClone;
  ASSERT_TRUE(CheckOut(sources).ok());
  ASSERT_TRUE(os::WriteFile(Path("tree/.git/mark"), "x").ok());
  ASSERT_TRUE(CheckOut(sources).ok());
  EXPECT_FALSE(os::Exists(Path("tree/.git/mark")));
}

TEST_F(CheckoutTest, LeavesTheFolderAloneWithoutSources) {
  Sources sources;
  sources.strategy = Sources::Strategy::kNone;
  ASSERT_TRUE(os::MakeDirs(Path("tree")).ok());
  ASSERT_TRUE(os::WriteFile(Path("tree/kept"), "x").ok());
  ASSERT_TRUE(
      PrepareWorkTree(Path("tree"), "", sources, git_, absl::Seconds(30), cancellation_).ok());
  EXPECT_EQ(Read("tree/kept"), "x");
}

TEST_F(CheckoutTest, ShowsTheJobAsManyCommitsAsItAskedFor) {
  std::string sha;
  for (int i = 0; i < 6; ++i) sha = Commit("a", absl::StrCat(i));
  Sources sources = At(sha);
  sources.depth = 2;
  ASSERT_TRUE(CheckOut(sources).ok());
  EXPECT_EQ(Git({"-C", Path("tree"), "rev-list", "--count", "HEAD"}), "2");
  sources.depth = 0;
  ASSERT_TRUE(CheckOut(sources).ok());
  EXPECT_EQ(Git({"-C", Path("tree"), "rev-list", "--count", "HEAD"}), "6");
}

TEST_F(CheckoutTest, ChecksOutACommitThatNoBranchNamesAnyMore) {
  const std::string old = Commit("a", "old");
  Commit("a", "new");
  Git({"-C", Path("origin"), "checkout", "-q", "--orphan", "other"});
  const std::string newest = Commit("a", "newest");
  Git({"-C", Path("origin"), "branch", "-D", "main"});
  ASSERT_TRUE(CheckOut(At(newest)).ok());
  const absl::Status status = CheckOut(At(old));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read("tree/a"), "old");
}

TEST_F(CheckoutTest, NamesATagAsATagAndNoBadNameAtAll) {
  Sources sources = At(Commit("a", "1"));
  sources.is_tag = true;
  sources.ref_name = "v1.0";
  ASSERT_TRUE(CheckOut(sources).ok());
  EXPECT_EQ(Git({"-C", Path("tree"), "rev-parse", "refs/tags/v1.0"}), sources.sha);
  for (const char* hostile :
       {"-rf", "a..b", "$(touch x)", "../../x", "a b", "", "x\ny", "a.lock"}) {
    sources.ref_name = hostile;
    const absl::Status status = CheckOut(sources);
    EXPECT_TRUE(status.ok()) << hostile << ": " << status;
  }
}

TEST_F(CheckoutTest, MakesADamagedMirrorAnew) {
  ASSERT_TRUE(CheckOut(At(Commit("a", "1"))).ok());
  ASSERT_TRUE(os::WriteFile(Path("mirrors/7.git/config"), "[core\n").ok());
  const absl::Status status = CheckOut(At(Commit("a", "2")));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read("tree/a"), "2");
}

TEST_F(CheckoutTest, RemovesWhatACutFetchHasLeftInTheMirror) {
  ASSERT_TRUE(CheckOut(At(Commit("a", "1"))).ok());
  ASSERT_TRUE(os::MakeDirs(Path("mirrors/7.git/objects/pack")).ok());
  ASSERT_TRUE(os::WriteFile(Path("mirrors/7.git/objects/pack/tmp_pack_x1y2z3"), "half").ok());
  ASSERT_TRUE(CheckOut(At(Commit("a", "2"))).ok());
  EXPECT_FALSE(os::Exists(Path("mirrors/7.git/objects/pack/tmp_pack_x1y2z3")));
  EXPECT_EQ(Read("tree/a"), "2");
}

TEST_F(CheckoutTest, TriesAgainWhenTheCoordinatorWasAway) {
  door_.failure = absl::UnavailableError("connection lost");
  const absl::Status status = CheckOut(At(Commit("a", "1")));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(door_.served, 2);
}

TEST_F(CheckoutTest, SaysWhatGitSaidWhenACommitIsMissing) {
  Commit("a", "1");
  const absl::Status status = CheckOut(At(std::string(40, 'd')));
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(absl::StrContains(status.message(), "git fetch")) << status;
}

TEST_F(CheckoutTest, StopsWhenItIsCanceled) {
  cancellation_.Cancel();
  EXPECT_TRUE(absl::IsCancelled(CheckOut(At(Commit("a", "1")))));
}

TEST(RefNameTest, FollowsTheRulesOfGit) {
  for (const char* good : {"main", "feature/a-b", "v1.0", "a@b", "\xc3\xa9"}) {
    EXPECT_TRUE(IsRefName(good)) << good;
  }
  for (const char* bad :
       {"",    "@",  "a..b", "a b", ".a", "a/.b", "a.lock", "a.lock/b", "a//b", "/a",   "a/",
        "a~1", "a^", "a:b",  "a?",  "a*", "a[",   "a\\b",   "a@{b",     "a.",   "a\x7f"}) {
    EXPECT_FALSE(IsRefName(bad)) << bad;
  }
}

TEST(WorkTreePathTest, GivesEachProjectOfASlotAFolderOfItsOwn) {
  Sources sources;
  sources.project = ProjectId(7);
  sources.project_name = "app";
  EXPECT_EQ(WorkTreePath("/w", 1, sources), "/w/1/app");
  for (const char* odd : {"a/b", "..", ".", "", "a b", "a#7"}) {
    sources.project_name = odd;
    const std::string path = WorkTreePath("/w", 1, sources);
    EXPECT_TRUE(absl::EndsWith(path, "#7")) << path;
    EXPECT_EQ(path.find('/', 5), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace grange::workspace
