#include "tools/ctl/repository.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "test_repository.h"

namespace grange::ctl {
namespace {

Repository Open(const TestRepository& test) {
  absl::StatusOr<Repository> repository = Repository::Open(test.path());
  EXPECT_TRUE(repository.ok()) << repository.status();
  return *std::move(repository);
}

TEST(RepositoryTest, ADirectoryWithoutARepositoryIsRefused) {
  const TempDir dir;
  EXPECT_TRUE(absl::IsNotFound(Repository::Open(dir.path()).status()));
  EXPECT_TRUE(absl::IsNotFound(Repository::Open(dir.File("missing")).status()));
}

TEST(RepositoryTest, IsFoundFromAFolderInsideIt) {
  const TestRepository test("portal");
  test.Write("a/b/file", "x");

  const absl::StatusOr<Repository> repository = Repository::Open(test.path() + "/a/b");

  ASSERT_TRUE(repository.ok()) << repository.status();
  EXPECT_EQ(repository->root(), test.path());
  EXPECT_EQ(repository->Name(), "portal");
}

TEST(RepositoryTest, ABareOneHasTheNameOfItsFolder) {
  const TestRepository test("portal");
  const std::string sha = test.Commit("first");
  const TempDir dir;
  test.Git({"clone", "--quiet", "--bare", ".", dir.File("portal.git")});

  const absl::StatusOr<Repository> repository = Repository::Open(dir.File("portal.git"));

  ASSERT_TRUE(repository.ok()) << repository.status();
  EXPECT_EQ(repository->Name(), "portal");
  EXPECT_EQ(repository->Resolve("")->sha, sha);
}

TEST(RepositoryTest, ResolvesTheCheckedOutBranchATagAndABranch) {
  const TestRepository test;
  const std::string first = test.Commit("first");
  test.Git({"tag", "-a", "v1", "-m", "release"});
  test.Git({"checkout", "--quiet", "-b", "feature/x"});
  const std::string second = test.Commit("second");
  const Repository repository = Open(test);

  EXPECT_EQ(repository.Resolve("")->name, "feature/x");
  EXPECT_EQ(repository.Resolve("")->sha, second);
  EXPECT_EQ(repository.Resolve("master")->sha, first);
  EXPECT_EQ(repository.Resolve("refs/heads/master")->name, "master");
  EXPECT_EQ(repository.Resolve("v1")->sha, first);  // the commit, not the tag's object
  EXPECT_TRUE(repository.Resolve("v1")->is_tag);
  EXPECT_EQ(repository.Resolve("refs/tags/v1")->name, "v1");
}

TEST(RepositoryTest, SuggestsTheNearestRef) {
  const TestRepository test;
  test.Commit("first");

  const absl::Status status = Open(test).Resolve("mastre").status();

  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_TRUE(absl::StrContains(status.message(), "did you mean 'master'?")) << status;
}

TEST(RepositoryTest, ARefIsNeverTakenForAnOption) {
  const TestRepository test;
  test.Commit("first");
  EXPECT_TRUE(absl::IsNotFound(Open(test).Resolve("--all").status()));
}

TEST(RepositoryTest, ADetachedHeadAsksForARef) {
  const TestRepository test;
  test.Commit("first");
  test.Git({"checkout", "--quiet", "--detach"});

  const absl::Status status = Open(test).Resolve("").status();

  EXPECT_TRUE(absl::StrContains(status.message(), "--ref")) << status;
}

TEST(RepositoryTest, ARepositoryWithoutACommitSaysSo) {
  const TestRepository test;
  const absl::Status status = Open(test).Resolve("").status();
  EXPECT_TRUE(absl::StrContains(status.message(), "no commit yet")) << status;
}

TEST(RepositoryTest, TheDefaultBranchIsThatOfOriginElseMainElseMaster) {
  const TestRepository test;
  test.Commit("first");
  const Repository repository = Open(test);
  EXPECT_EQ(repository.DefaultBranch(), "master");
  test.Git({"branch", "main"});
  EXPECT_EQ(repository.DefaultBranch(), "main");
  test.Git({"update-ref", "refs/remotes/origin/trunk", "HEAD"});
  test.Git({"symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"});
  EXPECT_EQ(repository.DefaultBranch(), "trunk");
}

// What a person can see of a repository.
std::string Visible(const TestRepository& test) {
  return absl::StrCat(test.Git({"status", "--porcelain=v2", "--branch"}), "\n",
                      test.Git({"for-each-ref"}), "\n", test.Git({"stash", "list"}), "\n",
                      test.Git({"ls-files", "--stage"}));
}

TEST(RepositoryTest, CommitsTheWorkTreeWithoutTouchingAnythingVisible) {
  const TestRepository test;
  test.Write("kept", "old");
  test.Write("removed", "x");
  test.Write(".gitignore", "ignored\n");
  const std::string head = test.Commit("first");
  test.Write("kept", "new");
  test.Write("staged", "s");
  test.Git({"add", "staged"});
  test.Write("untracked with blanks", "u");
  test.Write("ignored", "i");
  ASSERT_TRUE(os::RemoveTree(test.path() + "/removed").ok());
  const std::string before = Visible(test);

  const absl::StatusOr<std::string> sha = Open(test).CommitWorkTree();

  ASSERT_TRUE(sha.ok()) << sha.status();
  EXPECT_EQ(Visible(test), before);
  EXPECT_EQ(test.Git({"rev-parse", *sha + "^"}), head);
  EXPECT_EQ(test.Git({"ls-tree", "--name-only", *sha}),
            ".gitignore\nkept\nstaged\nuntracked with blanks");
  EXPECT_EQ(test.Git({"show", *sha + ":kept"}), "new");
}

TEST(RepositoryTest, ACleanWorkTreeIsHead) {
  const TestRepository test;
  test.Write("a", "1");
  const std::string head = test.Commit("first");
  EXPECT_EQ(*Open(test).CommitWorkTree(), head);
}

TEST(RepositoryTest, TheSameWorkTreeGivesTheSameCommit) {
  const TestRepository test;
  test.Commit("first");
  test.Write("a", "1");
  const Repository repository = Open(test);
  EXPECT_EQ(*repository.CommitWorkTree(), *repository.CommitWorkTree());
}

TEST(RepositoryTest, KnowsUrlsFromDirectories) {
  for (const char* url : {"https://example.org/a/portal.git", "git@example.org:a/portal.git",
                          "ssh://example.org/portal", "file:///srv/portal.git/"}) {
    EXPECT_TRUE(IsUrl(url)) << url;
    EXPECT_EQ(ProjectNameOfUrl(url), "portal") << url;
  }
  for (const char* path : {".", "/srv/portal", "./a:b", "portal"}) EXPECT_FALSE(IsUrl(path));
}

TEST(RepositoryTest, TellsGitsReasonWithoutItsAdvice) {
  EXPECT_EQ(GitReason("hint: try\nfatal: bad object x\n"), "bad object x");
  EXPECT_EQ(GitReason(""), "git said nothing");
}

}  // namespace
}  // namespace grange::ctl
