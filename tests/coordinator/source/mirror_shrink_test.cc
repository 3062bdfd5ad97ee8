// What goes from a mirror, and what never does.
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/mutex.h"
#include "common/os/random.h"
#include "coordinator/source/mirror_files.h"
#include "tests/coordinator/source/git_mirror_fixture.h"

namespace grange::source {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr size_t kLarge = 200'000;  // bytes that don't compress

class MirrorShrinkTest : public GitMirrorFixture {
 protected:
  // What pipelines have.
  void Want(std::set<std::string> commits) {
    base::MutexLock lock(mu_);
    wanted_ = std::move(commits);
  }
  GitMirrors::ShrinkOrder Order(absl::Duration keep = absl::ZeroDuration()) {
    return {.wanted = [this]() -> absl::StatusOr<std::set<std::string>> {
              base::MutexLock lock(mu_);
              return wanted_;
            },
            .now = now_,
            .keep = keep,
            .thorough = true};
  }
  GitMirrors::Shrunk Shrink(absl::Duration keep = absl::ZeroDuration()) {
    const absl::StatusOr<GitMirrors::Shrunk> shrunk = mirrors_->Shrink(kProject, Order(keep));
    EXPECT_TRUE(shrunk.ok()) << shrunk.status();
    return shrunk.ok() ? *shrunk : GitMirrors::Shrunk{};
  }
  // Another version of the last commit, as `commit --amend` and a forced push make it.
  std::string Amended(const std::string& name) {
    Write("large", os::RandomBytes(kLarge));
    Git({"add", "-A"});
    Git({"commit", "--quiet", "--amend", "-m", name});
    return Git({"rev-parse", "HEAD"});
  }
  void PushAndPinAs(const std::string& sha, const std::string& branch) {
    ASSERT_TRUE(Push(absl::StrCat("+", sha, ":refs/grange/incoming/", sha)).status.ok());
    ASSERT_TRUE(mirrors_->Pin(kProject, sha, branch, false).ok());
  }
  bool IsInMirror(const std::string& sha) {
    return RunGit({"--git-dir", mirror(), "cat-file", "-e", sha}, {}).status.ok();
  }
  // As an agent does it, into a repository that has nothing.
  testing::AssertionResult CanBeFetched(const std::string& sha) {
    const std::string clone = absl::StrCat(dir_, "/clone-", ++clones_);
    Git({"init", "--quiet", "--bare", clone});
    const os::RunResult fetched =
        Talk(GitMirrors::Service::kUploadPack,
             {"--git-dir", clone, "fetch", "--quiet", "fd::9", sha + ":refs/heads/x"});
    const bool whole = RunGit({"--git-dir", clone, "fsck", "--connectivity-only"}, {}).status.ok();
    if (fetched.status.ok() && whole) return testing::AssertionSuccess();
    return testing::AssertionFailure() << sha << ": " << fetched.err;
  }
  static std::vector<std::string> NamesIn(const std::string& folder) {
    return os::ListDir(folder).value_or(std::vector<std::string>());
  }
  static void Copy(const std::string& from, const std::string& to) {
    os::ChildOptions options;
    options.argv = {"cp", "-a", from, to};
    ASSERT_TRUE(os::Run(std::move(options))->status.ok());
  }
  // Nothing is missing, and no git has left anything behind.
  void ExpectGood() {
    const os::RunResult fsck = RunGit({"--git-dir", mirror(), "fsck", "--full", "--strict"}, {});
    EXPECT_TRUE(fsck.status.ok()) << fsck.err;
    for (const std::string& name : NamesIn(mirror() + "/objects/pack")) {
      EXPECT_TRUE(absl::StartsWith(name, "pack-")) << name;
      EXPECT_TRUE(os::Exists(mirror() + "/objects/pack/" + name.substr(0, name.find('.')) + ".idx"))
          << name;
    }
    for (const std::string& name : NamesIn(mirror())) {
      EXPECT_FALSE(absl::EndsWith(name, ".lock")) << name;
    }
  }
  void Restart() {
    mirrors_ = std::make_unique<GitMirrors>(dir_ + "/mirrors");
    ASSERT_TRUE(mirrors_->ClearLeftovers().ok());
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  base::Mutex mu_;
  std::set<std::string> wanted_ ABSL_GUARDED_BY(mu_);
  int clones_ = 0;
};

TEST_F(MirrorShrinkTest, CommitsOfPipelinesStayAndOthersGoWithTheirBytes) {
  PushAndPinAs(first_, "main");
  const std::string gone = Amended("gone");
  PushAndPinAs(gone, "main");
  const std::string kept = Amended("kept");
  PushAndPinAs(kept, "main");
  Want({first_, kept});
  const uint64_t before = mirrors_->BytesOf(kProject);

  const GitMirrors::Shrunk shrunk = Shrink();

  EXPECT_TRUE(shrunk.rest.ok()) << shrunk.rest;
  EXPECT_EQ(shrunk.commits, 1u);
  EXPECT_GT(shrunk.bytes, kLarge);
  EXPECT_EQ(shrunk.bytes, before - mirrors_->BytesOf(kProject));
  EXPECT_EQ(shrunk.left, mirrors_->BytesOf(kProject));
  EXPECT_FALSE(IsInMirror(gone));
  EXPECT_FALSE(mirrors_->HasCommit(kProject, gone));
  EXPECT_TRUE(CanBeFetched(first_));
  EXPECT_TRUE(CanBeFetched(kept));
  ExpectGood();
  const GitMirrors::Shrunk again = Shrink();
  EXPECT_EQ(again.commits, 0u);
  EXPECT_EQ(again.bytes, 0u);
}

TEST_F(MirrorShrinkTest, ACommitGoesWhenItHasBeenUnwantedForLongEnoughWhicheverProgramNotedIt) {
  PushAndPinAs(first_, "main");
  const std::string other = Amended("other");
  PushAndPinAs(other, "main");
  Want({other});
  EXPECT_EQ(Shrink(30 * kDay).next, now_ + 30 * kDay);
  now_ += 29 * kDay;
  Restart();
  EXPECT_EQ(Shrink(30 * kDay).commits, 0u);
  EXPECT_TRUE(mirrors_->HasCommit(kProject, first_));
  now_ += kDay;
  const GitMirrors::Shrunk shrunk = Shrink(30 * kDay);
  EXPECT_EQ(shrunk.commits, 1u);
  EXPECT_EQ(shrunk.oldest, now_ - 30 * kDay);
  EXPECT_FALSE(mirrors_->HasCommit(kProject, first_));
}

TEST_F(MirrorShrinkTest, ACommitThatIsWantedAgainCountsAnew) {
  PushAndPinAs(first_, "main");
  PushAndPinAs(Amended("other"), "main");
  Want({});
  Shrink(30 * kDay);
  Want({first_});
  now_ += 20 * kDay;
  Shrink(30 * kDay);
  Want({});
  now_ += 20 * kDay;
  Shrink(30 * kDay);
  EXPECT_TRUE(mirrors_->HasCommit(kProject, first_));
}

TEST_F(MirrorShrinkTest, WhatWasPushedAndNotYetSubmittedStaysForADay) {
  PushAndPinAs(first_, "main");
  const std::string pushed = Amended("pushed");
  ASSERT_TRUE(Push(pushed + ":refs/grange/incoming/" + pushed).status.ok());
  Want({first_});
  EXPECT_EQ(Shrink().next, now_ + kDay);
  EXPECT_TRUE(CanBeFetched(pushed));
  now_ += kDay;
  EXPECT_EQ(Shrink().commits, 1u);
  EXPECT_FALSE(IsInMirror(pushed));
}

TEST_F(MirrorShrinkTest, AMirrorOfWhichNothingIsWantedGoesAndComesBack) {
  PushAndPinAs(first_, "main");
  ASSERT_TRUE(mirrors_->ReadFile(kProject, first_, "README", 1000).ok());
  const uint64_t before = mirrors_->BytesOf(kProject);
  const GitMirrors::Shrunk shrunk = Shrink();
  EXPECT_EQ(shrunk.commits, 1u);
  EXPECT_EQ(shrunk.bytes, before);
  EXPECT_THAT(mirrors_->OnDisk(), IsEmpty());
  EXPECT_THAT(*os::ListDir(dir_ + "/mirrors"), testing::ElementsAre("hooks"));
  // Nobody remembers it otherwise.
  EXPECT_FALSE(mirrors_->HasCommit(kProject, first_));
  EXPECT_FALSE(mirrors_->ReadFile(kProject, first_, "README", 1000).ok());
  EXPECT_FALSE(mirrors_->Pin(kProject, first_, "main", false).ok());
  PushAndPinAs(first_, "main");
  EXPECT_EQ(*mirrors_->ReadFile(kProject, first_, "README", 1000), "hello\n");
  EXPECT_EQ(MirrorRefs(), absl::StrCat("refs/grange/commits/", first_, " ", first_,
                                       "\nrefs/grange/heads/main ", first_));
  EXPECT_TRUE(CanBeFetched(first_));
}

TEST_F(MirrorShrinkTest, WhatIsKnownOfARemovedCommitIsForgotten) {
  PushAndPinAs(first_, "main");
  const std::string kept = Amended("kept");
  PushAndPinAs(kept, "other");
  ASSERT_TRUE(mirrors_->ReadFile(kProject, first_, "README", 1000).ok());
  Want({kept});
  Shrink();
  EXPECT_FALSE(mirrors_->HasCommit(kProject, first_));
  EXPECT_FALSE(mirrors_->ReadFile(kProject, first_, "README", 1000).ok());
  EXPECT_FALSE(mirrors_->Pin(kProject, first_, "main", false).ok());
  EXPECT_FALSE(mirrors_->Resolve(kProject, "main").ok());
  PushAndPinAs(first_, "main");
  EXPECT_EQ(*mirrors_->Resolve(kProject, "main"), first_);
  EXPECT_TRUE(CanBeFetched(first_));
}

TEST_F(MirrorShrinkTest, NothingGoesWhileSomebodyHoldsTheMirror) {
  PushAndPinAs(first_, "main");
  GitMirrors::ShrinkOrder order = Order();
  order.patience = absl::ZeroDuration();
  {
    const MirrorGate::Use hold = mirrors_->Hold(kProject);
    EXPECT_TRUE(absl::IsUnavailable(mirrors_->Shrink(kProject, order)->rest));
    EXPECT_TRUE(IsInMirror(first_));
  }
  {
    const MirrorGate::Use hold = mirrors_->HoldAll();
    EXPECT_TRUE(absl::IsUnavailable(mirrors_->Shrink(kProject, order)->rest));
  }
  {
    const absl::StatusOr<GitMirrors::Running> push =
        mirrors_->Serve(kProject, GitMirrors::Service::kReceivePack);
    EXPECT_TRUE(absl::IsUnavailable(mirrors_->Shrink(kProject, order)->rest));
  }
  {
    const MirrorGate::Use hold = mirrors_->Hold(ProjectId(8));
    EXPECT_EQ(Shrink().commits, 1u);
  }
}

TEST_F(MirrorShrinkTest, ADryRunSaysWhatWouldGoAndTakesNothing) {
  PushAndPinAs(first_, "main");
  const std::string gone = Amended("gone");
  PushAndPinAs(gone, "main");
  Want({first_});
  GitMirrors::ShrinkOrder order = Order();
  order.dry_run = true;
  const GitMirrors::Shrunk would = *mirrors_->Shrink(kProject, order);
  EXPECT_EQ(would.commits, 1u);
  EXPECT_GT(would.bytes, kLarge);
  EXPECT_TRUE(CanBeFetched(gone));
  EXPECT_EQ(Shrink().commits, 1u);
}

TEST_F(MirrorShrinkTest, FewBytesWaitForMore) {
  Write("large", os::RandomBytes(kLarge));
  const std::string kept = CommitAll("kept");
  PushAndPinAs(kept, "main");
  Write("small", "small\n");
  const std::string gone = CommitAll("gone");
  PushAndPinAs(gone, "side");
  Want({kept});
  GitMirrors::ShrinkOrder order = Order();
  order.thorough = false;
  EXPECT_EQ(mirrors_->Shrink(kProject, order)->commits, 1u);
  EXPECT_THAT(MirrorRefs(), Not(HasSubstr(gone)));
  EXPECT_THAT(PacksOf(mirror()), SizeIs(2));
  EXPECT_TRUE(IsInMirror(gone));
  // Not lost: a submit finds it, and it stays then.
  ASSERT_TRUE(mirrors_->Pin(kProject, gone, "side", false).ok());
  Want({kept, gone});
  EXPECT_EQ(Shrink().commits, 0u);
  EXPECT_TRUE(CanBeFetched(gone));
  EXPECT_THAT(PacksOf(mirror()), SizeIs(1));
}

TEST_F(MirrorShrinkTest, ManyPushesBecomeOnePack) {
  std::set<std::string> commits;
  for (int i = 0; i < 52; ++i) {
    Write("file", absl::StrCat(i));
    commits.insert(CommitAll(absl::StrCat(i)));
    PushAndPinAs(Git({"rev-parse", "HEAD"}), "main");
  }
  Want(commits);
  EXPECT_GT(PacksOf(mirror()).size(), 50u);
  GitMirrors::ShrinkOrder order = Order();
  order.thorough = false;
  EXPECT_TRUE(mirrors_->Shrink(kProject, order)->rest.ok());
  EXPECT_THAT(PacksOf(mirror()), SizeIs(1));
  for (const std::string& commit : commits) EXPECT_TRUE(IsInMirror(commit));
  ExpectGood();
}

TEST_F(MirrorShrinkTest, WhatAKilledGitLeavesGoesAtTheStart) {
  PushAndPinAs(first_, "main");
  for (const char* name :
       {"packed-refs.lock", "HEAD.lock", "refs/grange/heads/main.lock", "grange-garbage.aBcDeF",
        "objects/pack/tmp_pack_a1b2c3", "objects/pack/pack-1234.pack", "objects/pack/pack-12.keep",
        "objects/tmp_objdir-incoming-x/pack/pack-1.pack"}) {
    const std::string path = absl::StrCat(mirror(), "/", name);
    ASSERT_TRUE(os::MakeDirs(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(os::WriteFile(path, "half").ok());
  }
  ASSERT_TRUE(os::MakeDirs(dir_ + "/mirrors/9.git.0123.new/refs").ok());
  ASSERT_TRUE(os::MakeDirs(dir_ + "/mirrors/9.git.0123.old/refs").ok());
  Restart();
  ExpectGood();
  EXPECT_FALSE(os::Exists(mirror() + "/refs/grange/heads/main.lock"));
  EXPECT_FALSE(os::Exists(mirror() + "/grange-garbage.aBcDeF"));
  EXPECT_THAT(*os::ListDir(mirror() + "/objects"), testing::UnorderedElementsAre("info", "pack"));
  EXPECT_THAT(*os::ListDir(dir_ + "/mirrors"), testing::UnorderedElementsAre("7.git", "hooks"));
  PushAndPinAs(Amended("next"), "main");
}

// Each git that a shrink starts is killed before its n-th call of a kind; so is what follows.
TEST_F(MirrorShrinkTest, C2_AGitThatIsKilledAnywhereLeavesAMirrorThatWorks) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "git, which has no sanitizer, can't load what would kill it";
#endif
  PushAndPinAs(first_, "main");
  const std::string gone = Amended("gone");
  PushAndPinAs(gone, "main");
  const std::string kept = Amended("kept");
  PushAndPinAs(kept, "main");
  Want({first_, kept});
  const std::string copy = dir_ + "/copy", bin = dir_ + "/bin";
  Copy(dir_ + "/mirrors", copy);
  ASSERT_TRUE(os::MakeDirs(bin).ok());
  const std::string path = getenv("PATH");
  int kills = 0;
  for (const std::string call : {"rename", "unlink", "write", "fsync"}) {
    bool died = true;
    for (int n = 1; died; ++n) {
      SCOPED_TRACE(absl::StrCat(call, " ", n));
      ASSERT_LT(n, 100);
      ASSERT_TRUE(os::RemoveTree(dir_ + "/mirrors").ok());
      Copy(copy, dir_ + "/mirrors");
      Restart();
      ASSERT_TRUE(os::WriteFile(bin + "/git",
                                absl::StrCat("#!/bin/sh\nPATH='", path,
                                             "' LD_PRELOAD=" GRANGE_CRASH_POINT_LIBRARY
                                             " CRASH_POINT_PROGRAM=git CRASH_POINT=",
                                             call, ":", n, " exec git \"$@\"\n"),
                                0755)
                      .ok());
      setenv("PATH", absl::StrCat(bin, ":", path).c_str(), 1);
      const absl::StatusOr<GitMirrors::Shrunk> cut = mirrors_->Shrink(kProject, Order());
      setenv("PATH", path.c_str(), 1);
      died = !cut.ok() || !cut->rest.ok();
      kills += died ? 1 : 0;
      // What stays is there at once; the next start puts the rest in order.
      EXPECT_TRUE(CanBeFetched(kept));
      if (n % 2 == 0) Restart();
      EXPECT_TRUE(Shrink().rest.ok());
      EXPECT_FALSE(IsInMirror(gone));
      Restart();
      ExpectGood();
      EXPECT_TRUE(CanBeFetched(first_));
      EXPECT_TRUE(CanBeFetched(kept));
      PushAndPinAs(gone, "main");
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(kills, 8);
}

// A kill while old packs are being removed: some are gone, some are not.
TEST_F(MirrorShrinkTest, C2_AHalfRemovedSetOfPacksIsRemovedAtTheNextStart) {
  PushAndPinAs(first_, "main");
  const std::string gone = Amended("gone");
  PushAndPinAs(gone, "main");
  const std::string kept = Amended("kept");
  PushAndPinAs(kept, "main");
  const std::vector<std::string> packs = PacksOf(mirror());
  ASSERT_THAT(packs, SizeIs(3));
  Git({"--git-dir", mirror(), "update-ref", "-d", "refs/grange/commits/" + gone});
  Git({"--git-dir", mirror(), "repack", "-a", "--quiet"});
  ASSERT_THAT(PacksOf(mirror()), SizeIs(4));
  ASSERT_TRUE(os::WriteFile(mirror() + "/grange-doomed", absl::StrJoin(packs, "\n")).ok());
  ASSERT_TRUE(os::RemoveTree(absl::StrCat(mirror(), "/objects/pack/", packs[0], ".idx")).ok());
  Restart();
  EXPECT_THAT(PacksOf(mirror()), SizeIs(1));
  EXPECT_FALSE(mirrors_->HasCommit(kProject, gone));
  EXPECT_TRUE(CanBeFetched(first_));
  EXPECT_TRUE(CanBeFetched(kept));
  ExpectGood();
}

// Submits as the coordinator does them, fetches and shrinks at the same time: what has a row must
// be there.
TEST_F(MirrorShrinkTest, ASubmitAtTheSameTimeNeverLosesItsCommit) {
  constexpr int kRounds = 60;
  PushAndPinAs(first_, "main");
  std::vector<std::string> candidates;
  for (int i = 0; i < 12; ++i) {
    Write("large", os::RandomBytes(20'000));
    candidates.push_back(CommitAll(absl::StrCat(i)));
    if (i % 3 == 2) Git({"reset", "--quiet", "--hard", first_});
  }
  const std::string anchor = candidates.front();
  PushAndPinAs(anchor, "anchor");
  Want({anchor});
  std::atomic<bool> done{false};
  std::thread shrinker([&] {
    while (!done) {
      GitMirrors::ShrinkOrder order = Order();
      absl::StatusOr<GitMirrors::Shrunk> shrunk = mirrors_->Shrink(kProject, order);
      EXPECT_TRUE(shrunk.ok()) << shrunk.status();
      if (!shrunk.ok()) return;
      EXPECT_TRUE(shrunk->rest.ok()) << shrunk->rest;
    }
  });
  std::thread fetcher([&] {
    while (!done) {
      const std::string clone = dir_ + "/fetched";
      os::RemoveTree(clone).IgnoreError();
      RunGit({"init", "--quiet", "--bare", clone}, {});
      const os::RunResult fetched =
          Talk(GitMirrors::Service::kUploadPack,
               {"--git-dir", clone, "fetch", "--quiet", "fd::9", anchor + ":refs/heads/x"});
      EXPECT_TRUE(fetched.status.ok()) << fetched.err;
    }
  });
  int found = 0, pushed = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string& sha = candidates[static_cast<size_t>(round * 7) % candidates.size()];
    bool stored = false;
    while (!stored) {
      {
        const MirrorGate::Use hold = mirrors_->Hold(kProject);
        if (mirrors_->HasCommit(kProject, sha)) {
          ++found;
          EXPECT_TRUE(mirrors_->Pin(kProject, sha, absl::StrCat("b", round % 4), false).ok());
          base::MutexLock lock(mu_);
          wanted_.insert(sha);
          stored = true;
        }
      }
      if (stored) break;
      ++pushed;
      const os::RunResult push = Push(absl::StrCat("+", sha, ":refs/grange/incoming/", sha));
      EXPECT_TRUE(push.status.ok()) << push.err;
      ASSERT_LT(pushed, 10 * kRounds);
    }
    EXPECT_TRUE(CanBeFetched(sha)) << "round " << round;
    // Retention takes its pipeline away again, now and then.
    if (round % 2 == 1 && sha != anchor) {
      base::MutexLock lock(mu_);
      wanted_.erase(sha);
    }
    if (HasFailure()) break;
  }
  done = true;
  shrinker.join();
  fetcher.join();
  for (const std::string& sha : candidates) {
    base::MutexLock lock(mu_);
    EXPECT_TRUE(!wanted_.contains(sha) || CanBeFetched(sha));
  }
  ExpectGood();
  std::printf("%d submits found their commit, %d pushes\n", found, pushed);
}

}  // namespace
}  // namespace grange::source
