#include "agent/job/idle_sweeper.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/workspace/kept_folders.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/agent/job/agent_bench.h"

namespace grange::job {
namespace {

constexpr Assignment kRuns{JobId(1), 1, Fence{5}};
constexpr Assignment kEnds{JobId(2), 1, Fence{6}};

// With the limits as they are if nobody sets any, and a sweep after every job.
class IdleSweeperTest : public ::testing::Test {
 protected:
  IdleSweeperTest() {
    bench_.settings().sweep.every = absl::ZeroDuration();
    bench_.Restart();
    bench_.Connect();
  }

  // Last used years ago.
  void MakeOld(const std::string& folder) {
    ASSERT_TRUE(os::MakeDirs(bench_.Path(folder)).ok());
    const timespec times[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 0},
                               {.tv_sec = 1'000'000'000, .tv_nsec = 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, bench_.Path(folder).c_str(), times, 0), 0);
  }
  bool Has(const std::string& folder) { return os::Exists(bench_.Path(folder)); }
  // All that goes at the same time as `folder` has gone then, the bytes too.
  bool WaitUntilSwept(const std::string& folder) {
    return bench_.WaitUntil(
        [&] { return !Has(folder) && workspace::LeftAside(bench_.Path("")).empty(); });
  }
  // Whose work tree is workspaces/<slot>/p and whose project is number 0; the slot is the first
  // that is free.
  void Begin(const Assignment& job, const std::string& script) {
    bench_.Offer(job, script);
    ASSERT_TRUE(bench_.WaitFor(absl::StrCat("accepted ", job.ToString())));
    bench_.Start(job);
    ASSERT_TRUE(bench_.WaitFor(absl::StrCat("started ", job.ToString())));
  }
  void BeginTheOneThatRuns() {
    ASSERT_EQ(mkfifo(bench_.Path("go").c_str(), 0600), 0);
    Begin(kRuns, absl::StrCat("cat ", bench_.Path("go")));
  }
  void End(const Assignment& job) {
    ASSERT_TRUE(bench_.WaitFor(absl::StrCat("finished ", job.ToString(), " success")));
    bench_.On([&](JobTable& table) { table.Forget(job); });
  }

  AgentBench bench_;
};

TEST_F(IdleSweeperTest, AnAgentThatStartsRemovesWhatIsOldAndWhatWasHalfRemoved) {
  bench_.Restart([&] {
    for (const char* name : {"workspaces/0/old", "workspaces/9/of-a-slot-that-is-no-more",
                             "mirrors/8.git", "mirrors/.gone-1-2", "workspaces/0/.gone-1-2"}) {
      MakeOld(name);
    }
    ASSERT_TRUE(os::MakeDirs(bench_.Path("workspaces/0/new/deep")).ok());
    ASSERT_TRUE(os::MakeDirs(bench_.Path("mirrors/9.git/objects")).ok());
  });
  EXPECT_TRUE(WaitUntilSwept("workspaces/0/old"));
  EXPECT_FALSE(Has("workspaces/9/of-a-slot-that-is-no-more"));
  EXPECT_FALSE(Has("mirrors/8.git"));
  EXPECT_TRUE(Has("workspaces/0/new/deep"));
  EXPECT_TRUE(Has("mirrors/9.git/objects"));
}

TEST_F(IdleSweeperTest, WhatIsKeptIsCountedAtTheStartAndAfterJobs) {
  bench_.Restart([&] {
    ASSERT_TRUE(os::MakeDirs(bench_.Path("workspaces/0/new")).ok());
    ASSERT_TRUE(
        os::WriteFile(bench_.Path("workspaces/0/new/file"), std::string(100'000, 'x')).ok());
    ASSERT_TRUE(os::MakeDirs(bench_.Path("mirrors/9.git")).ok());
    MakeOld("mirrors/8.git");
  });
  const auto kept = [&] {
    KeptSizes sizes;
    bench_.On([&](JobTable& table) { sizes = table.kept().value_or(KeptSizes()); });
    return sizes;
  };
  // Also once the old one has gone.
  EXPECT_TRUE(bench_.WaitUntil([&] { return kept().work_trees == 1 && kept().mirrors == 1; }));
  EXPECT_GE(kept().work_tree_bytes, 100'000u);
  ASSERT_TRUE(os::MakeDirs(bench_.Path("mirrors/10.git")).ok());
  bench_.Connect();
  Begin(kEnds, "true");
  End(kEnds);
  EXPECT_TRUE(bench_.WaitUntil([&] { return kept().mirrors >= 2; }));
}

TEST_F(IdleSweeperTest, TheWorkTreeAndTheMirrorOfARunningJobStayHoweverOldTheyLook) {
  BeginTheOneThatRuns();
  for (const char* name : {"workspaces/0/p", "workspaces/0/.home", "mirrors/0.git",
                           "workspaces/0/idle", "workspaces/1/idle", "mirrors/9.git"}) {
    MakeOld(name);
  }
  Begin(kEnds, "true");
  End(kEnds);
  EXPECT_TRUE(WaitUntilSwept("mirrors/9.git"));
  EXPECT_FALSE(Has("workspaces/0/idle"));
  EXPECT_FALSE(Has("workspaces/1/idle"));
  // An agent that finds the job running knows as much.
  bench_.Restart([&] { MakeOld("mirrors/9.git"); });
  EXPECT_TRUE(WaitUntilSwept("mirrors/9.git"));
  for (const char* name : {"workspaces/0/p", "workspaces/0/.home", "mirrors/0.git"}) {
    EXPECT_TRUE(Has(name)) << name;
  }
}

TEST_F(IdleSweeperTest, AJobThatEndsHasUsedItsWorkTreeAndMirrorUntilThen) {
  BeginTheOneThatRuns();
  MakeOld("workspaces/0/p");
  MakeOld("mirrors/0.git");
  ASSERT_TRUE(os::WriteFile(bench_.Path("go"), "on\n").ok());
  MakeOld("mirrors/9.git");
  End(kRuns);
  EXPECT_TRUE(WaitUntilSwept("mirrors/9.git"));
  EXPECT_TRUE(Has("workspaces/0/p"));
  EXPECT_TRUE(Has("mirrors/0.git"));
  // Long after.
  MakeOld("workspaces/0/p");
  MakeOld("mirrors/0.git");
  bench_.Restart();
  EXPECT_TRUE(WaitUntilSwept("mirrors/0.git"));
  EXPECT_FALSE(Has("workspaces/0/p"));
}

}  // namespace
}  // namespace grange::job
