#include "coordinator/source/git_mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/os/files.h"
#include "tests/coordinator/source/git_mirror_fixture.h"

namespace grange::source {
namespace {

using ::testing::HasSubstr;

class GitMirrorTest : public GitMirrorFixture {};

TEST_F(GitMirrorTest, ACommitThatWasPushedIsThereWithItsFacts) {
  EXPECT_FALSE(mirrors_->HasCommit(kProject, first_));
  ASSERT_TRUE(Push(first_ + ":refs/grange/incoming/test").status.ok());
  const absl::StatusOr<store::Commit> commit = mirrors_->ReadCommit(kProject, first_);
  ASSERT_TRUE(commit.ok()) << commit.status();
  EXPECT_EQ(commit->sha, first_);
  EXPECT_EQ(commit->title, "First line");
  EXPECT_EQ(commit->message, "First line\n\nBody of it.\n");
  EXPECT_EQ(commit->author, "A. U. Thor");
  EXPECT_EQ(commit->author_email, "thor@example.org");
  EXPECT_EQ(commit->authored_at, absl::FromUnixSeconds(1'700'000'000));
}

TEST_F(GitMirrorTest, FilesAreThoseOfTheCommit) {
  PushAndPin(first_);
  EXPECT_EQ(*mirrors_->ReadFile(kProject, first_, "README", 1000), "hello\n");
  EXPECT_EQ(*mirrors_->ReadFile(kProject, first_, "ci/base.yml", 1000), "base: {}\n");
  EXPECT_TRUE(absl::IsNotFound(mirrors_->ReadFile(kProject, first_, "nothing", 1000).status()));
  EXPECT_TRUE(absl::IsNotFound(mirrors_->ReadFile(kProject, first_, "a/b/c", 1000).status()));
  EXPECT_TRUE(absl::IsNotFound(
      mirrors_->ReadFile(kProject, std::string(40, 'f'), "README", 1000).status()));
}

TEST_F(GitMirrorTest, Y5PathsThatLeaveTheTreeAndThingsThatAreNoFilesAreRefused) {
  ASSERT_EQ(symlink("/etc/passwd", (work() + "/link").c_str()), 0);
  const std::string sha = CommitAll("a link");
  PushAndPin(sha);
  for (const char* path : {"../../etc/passwd", "/etc/passwd", "ci/../README", "", "ci//base.yml",
                           "./README", "ci", "link"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(mirrors_->ReadFile(kProject, sha, path, 1000).status()))
        << path;
  }
}

TEST_F(GitMirrorTest, AFileOverTheLimitIsRefused) {
  Write("big", std::string(5000, 'x'));
  const std::string sha = CommitAll("big");
  PushAndPin(sha);
  EXPECT_TRUE(absl::IsResourceExhausted(mirrors_->ReadFile(kProject, sha, "big", 4999).status()));
  EXPECT_TRUE(mirrors_->ReadFile(kProject, sha, "big", 5000).ok());
  EXPECT_TRUE(  // from memory as well
      absl::IsResourceExhausted(mirrors_->ReadFile(kProject, sha, "big", 4999).status()));
}

TEST_F(GitMirrorTest, TheSecondTimeNothingIsAskedOfGit) {
  PushAndPin(first_);
  ASSERT_TRUE(mirrors_->ReadFile(kProject, first_, "README", 1000).ok());
  ASSERT_TRUE(os::RemoveTree(mirror()).ok());  // git would fail now
  EXPECT_TRUE(mirrors_->HasCommit(kProject, first_));
  EXPECT_TRUE(mirrors_->ReadCommit(kProject, first_).ok());
  EXPECT_TRUE(mirrors_->ReadFile(kProject, first_, "README", 1000).ok());
  EXPECT_TRUE(mirrors_->Pin(kProject, first_, "main", false).ok());
}

TEST_F(GitMirrorTest, OnlyIncomingRefsCanBePushed) {
  PushAndPin(first_);
  const std::string second = CommitAll("second");
  for (const char* ref : {"refs/heads/main", "refs/tags/v1", "refs/grange/heads/main",
                          "refs/grange/tags/v1", "refs/grange/incomingX", "refs/replace/x"}) {
    EXPECT_FALSE(Push(absl::StrCat("+", second, ":", ref)).status.ok()) << ref;
  }
  EXPECT_FALSE(Push("+" + second + ":refs/grange/commits/" + first_).status.ok());
  EXPECT_FALSE(Push(":refs/grange/heads/main").status.ok());
  EXPECT_FALSE(Push(":refs/grange/commits/" + first_).status.ok());
  EXPECT_EQ(MirrorRefs(), absl::StrCat("refs/grange/commits/", first_, " ", first_,
                                       "\nrefs/grange/heads/main ", first_));
  EXPECT_TRUE(Push(second + ":refs/grange/incoming/x/y").status.ok());
}

TEST_F(GitMirrorTest, ABrokenObjectIsRefused) {
  // A tree entry named ".git" would write into the checkout's own repository.
  const std::string blob = Git({"rev-parse", "HEAD:README"});
  Git({"update-index", "--add", "--cacheinfo", absl::StrCat("100644,", blob, ",x")});
  os::ChildOptions options;
  const std::string tree_text = absl::StrCat("100644 blob ", blob, "\t.git\n");
  options.argv = {"git", "mktree"};
  options.cwd = work();
  const std::string tree(absl::StripAsciiWhitespace(os::Run(options, tree_text)->out));
  const std::string evil = Git({"commit-tree", "-m", "evil", tree});
  const os::RunResult result = Push(evil + ":refs/grange/incoming/evil");
  EXPECT_FALSE(result.status.ok());
  EXPECT_FALSE(mirrors_->HasCommit(kProject, evil));
}

TEST_F(GitMirrorTest, AgentsFetchAnyPinnedCommitByItsSha) {
  PushAndPin(first_);
  const std::string second = CommitAll("second");
  PushAndPin(second);
  const std::string clone = dir_ + "/clone.git";
  Git({"init", "--quiet", "--bare", clone});
  for (const std::string& sha : {second, first_}) {
    const os::RunResult result =
        Talk(GitMirrors::Service::kUploadPack,
             {"--git-dir", clone, "fetch", "--quiet", "fd::9", sha + ":refs/x/" + sha});
    EXPECT_TRUE(result.status.ok()) << result.err;
  }
  EXPECT_EQ(Git({"--git-dir", clone, "cat-file", "-t", first_}), "commit");
}

TEST_F(GitMirrorTest, ASecondPushSendsOnlyWhatIsNew) {
  Write("large", std::string(1 << 20, 'q') + "noise");
  PushAndPin(CommitAll("large"));
  const std::string next = CommitAll("an empty one");
  const os::RunResult result =
      Talk(GitMirrors::Service::kReceivePack,
           {"push", "--progress", "fd::9", next + ":refs/grange/incoming/next"});
  ASSERT_TRUE(result.status.ok()) << result.err;
  EXPECT_THAT(result.err, HasSubstr("Total 1 "));
}

TEST_F(GitMirrorTest, APinMovesWithItsBranchAndOldCommitsStay) {
  PushAndPin(first_);
  Git({"commit", "--quiet", "--amend", "-m", "rewritten"});
  const std::string rewritten = Git({"rev-parse", "HEAD"});
  PushAndPin(rewritten);
  const std::string refs = MirrorRefs();
  EXPECT_THAT(refs, HasSubstr("refs/grange/heads/main " + rewritten));
  EXPECT_THAT(refs, HasSubstr("refs/grange/commits/" + first_));
  EXPECT_THAT(refs, ::testing::Not(HasSubstr("incoming")));
}

TEST_F(GitMirrorTest, ABranchMayTakeThePlaceOfAFolderOfBranches) {
  PushAndPin(first_);
  EXPECT_TRUE(mirrors_->Pin(kProject, first_, "a/b", false).ok());
  EXPECT_TRUE(mirrors_->Pin(kProject, first_, "a", false).ok());
  EXPECT_TRUE(mirrors_->Pin(kProject, first_, "a/c", false).ok());
  EXPECT_THAT(MirrorRefs(), HasSubstr("refs/grange/heads/a/c " + first_));
}

TEST_F(GitMirrorTest, FetchesABranchATagAndTheDefaultBranchFromAUrl) {
  Git({"tag", "-a", "-m", "a tag", "v1", first_});
  const std::string second = CommitAll("second");
  Git({"branch", "feature/x", first_});
  const std::string url = "file://" + work();

  const auto head = mirrors_->Fetch(kProject, url, "");
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->sha, second);
  EXPECT_EQ(head->ref_name, "main");
  EXPECT_EQ(head->default_branch, "main");
  const auto branch = mirrors_->Fetch(kProject, url, "feature/x");
  ASSERT_TRUE(branch.ok()) << branch.status();
  EXPECT_EQ(branch->sha, first_);
  EXPECT_EQ(branch->ref_name, "feature/x");
  const auto tag = mirrors_->Fetch(kProject, url, "v1");
  ASSERT_TRUE(tag.ok()) << tag.status();
  EXPECT_EQ(tag->sha, first_);
  EXPECT_TRUE(tag->is_tag);
  EXPECT_TRUE(absl::IsNotFound(mirrors_->Fetch(kProject, url, "nowhere").status()));
  EXPECT_THAT(MirrorRefs(), ::testing::Not(HasSubstr("incoming")));
}

TEST_F(GitMirrorTest, S1HostileNamesAreTextAndNothingElse) {
  const std::string touch = "touch " + canary();
  const std::string ifs_touch = "touch${IFS}" + canary();
  Git({"commit", "--quiet", "--allow-empty", "-m",
       absl::StrCat("$(", touch, ") `", touch, "`; ", touch, " %s \x1b[31m \"'")});
  const std::string sha = Git({"rev-parse", "HEAD"});
  PushAndPin(sha);
  EXPECT_THAT(mirrors_->ReadCommit(kProject, sha)->title, HasSubstr("$(" + touch));

  for (const std::string& name :
       {absl::StrCat("$(", ifs_touch, ")"), absl::StrCat("`", ifs_touch, "`"),
        absl::StrCat("a;", ifs_touch), absl::StrCat("a|", ifs_touch), absl::StrCat("a&", ifs_touch),
        std::string("%s%n"), std::string("a\"b'c"), std::string("\xc3\xa4\xff"),
        std::string("--upload-pack=x"), std::string("-rf"), std::string("a b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string(64 << 10, 'n')}) {
    const bool valid = CheckRefName(name).ok();
    EXPECT_EQ(mirrors_->Pin(kProject, sha, name, false).ok(), valid) << name.substr(0, 100);
  }
  for (const std::string& path :
       {absl::StrCat("$(", touch, ")"), absl::StrCat("--output=", canary()),
        absl::StrCat("x\n", touch), std::string(":(glob)**"), std::string("README\nREADME")}) {
    EXPECT_FALSE(mirrors_->ReadFile(kProject, sha, path, 1000).ok()) << path;
  }
  for (const std::string& url :
       {absl::StrCat("ext::sh -c ", touch), absl::StrCat("--upload-pack=", touch),
        absl::StrCat("ssh://-oProxyCommand=", ifs_touch, "/x"), absl::StrCat("fd::0"),
        absl::StrCat("file:///nowhere/$(", ifs_touch, ")"), absl::StrCat("https://\n", touch)}) {
    EXPECT_FALSE(mirrors_->Fetch(kProject, url, "main").ok()) << url;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(
      mirrors_->ReadCommit(kProject, absl::StrCat("HEAD; ", touch)).status()));
}

TEST(RefNameTest, TakesWhatGitTakes) {
  for (const char* good : {"main", "feature/x", "v1.0", "a-b_c", "$(x)", "@x", "\xc3\xa4"}) {
    EXPECT_TRUE(CheckRefName(good).ok()) << good;
  }
  for (const char* bad : {"",   "-x",     "a..b",     "a b", "a~1",  "a^",    "a:b", "a?",
                          "a*", "a[",     "a\\b",     "/a",  "a/",   "a//b",  ".a",  "a/.b",
                          "a.", "a.lock", "a.lock/b", "@",   "a@{b", "a\x7f", "a\tb"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckRefName(bad))) << bad;
  }
}

TEST_F(GitMirrorTest, KnowsTheTagsThatWerePinned) {
  ASSERT_TRUE(mirrors_->Fetch(kProject, "file://" + work(), "main").ok());
  ASSERT_TRUE(mirrors_->Pin(kProject, first_, "v1", /*is_tag=*/true).ok());
  ASSERT_TRUE(mirrors_->Pin(kProject, first_, "main", /*is_tag=*/false).ok());
  EXPECT_EQ(*mirrors_->Tags(kProject), std::vector<std::string>{"v1"});
  EXPECT_EQ(*mirrors_->ResolveTag(kProject, "v1"), first_);
  EXPECT_FALSE(mirrors_->ResolveTag(kProject, "main").ok());
  EXPECT_FALSE(mirrors_->ResolveTag(kProject, "--all").ok());
}

}  // namespace
}  // namespace grange::source
