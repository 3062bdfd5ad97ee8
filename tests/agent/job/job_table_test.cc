#include "agent/job/job_table.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/agent/job/agent_bench.h"

namespace grange::job {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr Assignment kJob{JobId(1), 1, Fence{5}};

TEST(JobTableTest, RunsAnOfferedJobOnceItIsStarted) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "echo hello");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  EXPECT_THAT(bench.events(),
              ElementsAre("accepted job#1/1@5", "started job#1/1@5", "finished job#1/1@5 success"));
  EXPECT_EQ(bench.trace(kJob), "$ echo hello\nhello\n");
  EXPECT_EQ(bench.result(kJob)->trace_bytes, bench.trace(kJob).size());
  EXPECT_EQ(bench.result(kJob)->trace_sha256, os::Sha256Of(bench.trace(kJob)));
}

TEST(JobTableTest, ReportsTheExitStatusOfTheScript) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "exit 3");
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 script_failure"));
  EXPECT_EQ(bench.result(kJob)->exit_code, 3);
}

TEST(JobTableTest, J10_AStepFailsWithAnyPartOfItsPipe) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "(exit 3) | cat; echo never");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 script_failure"));
  EXPECT_EQ(bench.result(kJob)->exit_code, 3);
}

TEST(JobTableTest, ADrainOfAnEarlierSessionIsOver) {
  AgentBench bench;
  bench.On([](JobTable& table) {
    table.Drain(true);
    EXPECT_EQ(table.FreeSlots(), 0);
  });
  bench.Connect();
  bench.On([](JobTable& table) { EXPECT_GT(table.FreeSlots(), 0); });
}

absl::Duration In(absl::Duration time) { return os::RealClock().SinceBoot() + time; }

TEST(JobTableTest, WhatRunsAtADrainsDeadlineEndsAsAgentDrainedAndStillCleansUp) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "cleans up");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitUntil([&] { return absl::StrContains(bench.trace(kJob), "up\n"); }));
  bench.On([](JobTable& table) { table.Drain(true, In(absl::Milliseconds(50))); });
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 agent_drained"));
  EXPECT_THAT(bench.trace(kJob), HasSubstr("\nfailed\n"));  // CI_JOB_STATUS of the after_script
}

TEST(JobTableTest, WhatIgnoresADrainsSigtermIsKilledAfterTheDrainsGrace) {
  AgentBench bench;
  bench.settings().drain_grace = absl::Milliseconds(100);
  bench.Restart();
  bench.Connect();
  bench.Offer(kJob, "trap '' TERM; echo up; while :; do sleep 0.02; done");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitUntil([&] { return absl::StrContains(bench.trace(kJob), "up\n"); }));
  bench.On([](JobTable& table) { table.Drain(true, In(absl::ZeroDuration())); });
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 agent_drained"));
}

TEST(JobTableTest, ADrainAgainReplacesTheDeadlineAndAResumeEndsIt) {
  AgentBench bench;
  bench.Connect();
  const std::string go = bench.Path("go");
  bench.Offer(kJob, absl::StrCat("while [ ! -e ", go, " ]; do sleep 0.02; done"));
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("started job#1/1@5"));
  const absl::Duration soon = In(absl::Milliseconds(100));
  bench.On([&](JobTable& table) { table.Drain(true, soon); });
  bench.On([&](JobTable& table) { table.Drain(true, soon + absl::Hours(1)); });
  const auto soon_is_over = [&] {
    return In(absl::ZeroDuration()) > soon + absl::Milliseconds(50);
  };
  ASSERT_TRUE(bench.WaitUntil(soon_is_over));
  const absl::Duration later = In(absl::Milliseconds(100));
  bench.On([&](JobTable& table) {
    table.Drain(true, later);
    table.Drain(false);
    table.Drain(true);
  });
  ASSERT_TRUE(bench.WaitUntil([&] { return In(absl::ZeroDuration()) > later; }));
  ASSERT_TRUE(os::WriteFile(go, "").ok());
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
}

TEST(JobTableTest, NothingStartsOnceADrainsDeadlineHasPassed) {
  AgentBench bench;
  bench.Connect();
  const std::string file = bench.Path("ran");
  bench.Offer(kJob, "touch " + file);
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Restart();
  bench.Connect();
  bench.On([](JobTable& table) { table.Drain(true, In(absl::ZeroDuration())); });
  bench.Start(kJob);
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 agent_drained"));
  EXPECT_FALSE(os::Exists(file));
}

TEST(JobTableTest, WhatIsPreparedAtADrainsDeadlineEndsAsAgentDrained) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "needs artifacts");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  bench.On([](JobTable& table) { table.Drain(true, In(absl::Milliseconds(20))); });
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 agent_drained"));
}

// The agent that began to stop it is gone before it has ended: the shim knows why.
TEST(JobTableTest, AStopByADrainKeepsItsReasonWhenTheAgentIsRestarted) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, absl::StrCat("trap 'while [ ! -e ", bench.Path("go"),
                                 " ]; do sleep 0.02; done; exit 1' TERM; echo up; touch ",
                                 bench.Path("up"), "; while :; do sleep 0.02; done"));
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitUntil([&] { return os::Exists(bench.Path("up")); }));
  bench.On([](JobTable& table) { table.Drain(true, In(absl::ZeroDuration())); });
  bench.Restart([&] { ASSERT_TRUE(os::WriteFile(bench.Path("go"), "").ok()); });
  bench.Connect();
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 agent_drained"));
}

TEST(JobTableTest, ACancelOfAPersonCountsMoreThanADrain) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "needs artifacts");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  bench.On([](JobTable& table) {
    table.Drain(true, In(absl::ZeroDuration()));
    table.Cancel(kJob, absl::ZeroDuration(), false);
  });
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 canceled"));
}

TEST(JobTableTest, AnAgentThatClosesTakesNothingHoweverOftenItIsResumed) {
  AgentBench bench;
  bench.On([](JobTable& table) { table.Close(); });
  bench.Connect();
  bench.On([](JobTable& table) {
    table.Drain(false);
    EXPECT_EQ(table.FreeSlots(), 0);
  });
}

TEST(JobTableTest, StartsTheScriptOnceHoweverOftenItIsTold) {
  AgentBench bench;
  bench.Connect();
  const std::string file = bench.Path("once");
  bench.Offer(kJob, absl::StrCat("set -C; echo > ", file));
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  for (int i = 0; i < 5; ++i) bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  bench.Start(kJob);
  EXPECT_EQ(bench.events().size(), 3u);
}

TEST(JobTableTest, IgnoresMessagesWithAFenceThatItDoesNotHold) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "echo");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  const Assignment other{kJob.job, kJob.attempt, Fence{4}};
  bench.On([&](JobTable& table) {
    table.Start(other, {});
    table.Cancel(other, absl::ZeroDuration(), true);
    table.Forget(other);
  });
  EXPECT_THAT(bench.events(), ElementsAre("accepted job#1/1@5"));
  EXPECT_EQ(bench.Reports().size(), 1u);
}

TEST(JobTableTest, GivesUpAWithdrawnOfferForTheSameUnderAHigherFence) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "echo old");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  const Assignment newer{kJob.job, kJob.attempt, Fence{6}};
  bench.Offer(newer, "echo new");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@6"));
  bench.Start(newer);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@6 success"));
  EXPECT_EQ(bench.trace(newer), "$ echo new\nnew\n");
}

TEST(JobTableTest, DeclinesWithAReason) {
  AgentBench bench;
  bench.Connect();
  bench.Offer({JobId(1), 1, Fence{1}}, "damaged");
  bench.Offer({JobId(2), 1, Fence{2}}, "echo");
  bench.Offer({JobId(3), 1, Fence{3}}, "echo");
  bench.Offer({JobId(4), 1, Fence{4}}, "echo");
  bench.On([](JobTable& table) { table.Drain(true); });
  bench.Offer({JobId(5), 1, Fence{5}}, "echo");
  EXPECT_THAT(bench.events(), Contains("declined job#1/1@1: the spec is damaged"));
  EXPECT_THAT(bench.events(), Contains("declined job#4/1@4: all 2 slots are busy"));
  EXPECT_THAT(bench.events(), Contains("declined job#5/1@5: draining"));
}

TEST(JobTableTest, DeclinesWhenTheDiskIsNearlyFull) {
  AgentBench bench;
  bench.settings().free_bytes_min = uint64_t{1} << 62;
  bench.Restart();
  bench.Connect();
  bench.Offer(kJob, "echo");
  ASSERT_EQ(bench.events().size(), 1u);
  EXPECT_THAT(bench.events()[0], HasSubstr("MiB free"));
}

TEST(JobTableTest, NeverStartsAJobThatWasCanceledBefore) {
  AgentBench bench;
  bench.Connect();
  const std::string file = bench.Path("ran");
  bench.Offer(kJob, "touch " + file);
  bench.On([](JobTable& table) { table.Cancel(kJob, absl::Seconds(30), false); });
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 canceled"));
  bench.Start(kJob);
  EXPECT_THAT(bench.events(), Not(Contains("started job#1/1@5")));
  EXPECT_FALSE(os::Exists(file));
}

TEST(JobTableTest, CancelsARunningJob) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "sleep 1000");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("started job#1/1@5"));
  bench.On([](JobTable& table) { table.Cancel(kJob, absl::Seconds(30), false); });
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 canceled"));
}

TEST(JobTableTest, KillsAtOnceByForceWhatIsBeingCanceledWithoutItsAfterScript) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "stubborn");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitUntil([&] { return absl::StrContains(bench.trace(kJob), "up\n"); }));
  bench.On([](JobTable& table) { table.Cancel(kJob, absl::Hours(1), false); });
  bench.On([](JobTable& table) { table.Cancel(kJob, absl::Hours(1), true); });
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 canceled"));
  EXPECT_FALSE(absl::StrContains(bench.trace(kJob), "after"));
}

TEST(JobTableTest, CancelsAJobThatIsBeingPrepared) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "needs artifacts");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  bench.On([](JobTable& table) { table.Cancel(kJob, absl::Seconds(30), false); });
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 canceled"));
  EXPECT_THAT(bench.trace(kJob), HasSubstr("Downloading artifacts of other"));
}

TEST(JobTableTest, StoresArtifactsBeforeItReportsTheResult) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "artifacts");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  EXPECT_EQ(bench.result(kJob)->artifact_id, "stored-1");
}

TEST(JobTableTest, KillsARevokedJobAndKeepsNothingOfIt) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "trap '' TERM; sleep 1000");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("started job#1/1@5"));
  bench.On([](JobTable& table) { table.Forget(kJob); });
  EXPECT_TRUE(bench.WaitUntil([&] { return bench.Reports().empty(); }));
  EXPECT_TRUE(bench.WaitUntil([&] { return os::ListDir(bench.Path("jobs"))->empty(); }));
  EXPECT_FALSE(bench.result(kJob).has_value());
}

TEST(JobTableTest, ForgetsAFinishedJobAndItsFolder) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "echo");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  bench.On([](JobTable& table) { table.Forget(kJob); });
  EXPECT_THAT(bench.Reports(), IsEmpty());
  EXPECT_TRUE(bench.WaitUntil([&] { return os::ListDir(bench.Path("jobs"))->empty(); }));
  bench.Restart();
  EXPECT_THAT(bench.Reports(), IsEmpty());
}

TEST(JobTableTest, KeepsAnAcceptedJobThroughARestart) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "echo after");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Restart();
  ASSERT_EQ(bench.Reports().size(), 1u);
  EXPECT_EQ(bench.Reports()[0].phase, Report::Phase::kAccepted);
  bench.Connect();
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  EXPECT_EQ(bench.trace(kJob), "$ echo after\nafter\n");
}

TEST(JobTableTest, TakesARunningJobUpAgainAfterARestart) {
  AgentBench bench;
  bench.Connect();
  const std::string go = bench.Path("go");
  bench.Offer(kJob, absl::StrCat("echo one; mkfifo ", go, "; cat ", go, "; echo two"));
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitUntil([&] { return absl::StrContains(bench.trace(kJob), "one\n"); }));
  bench.Restart();
  ASSERT_EQ(bench.Reports().size(), 1u);
  EXPECT_EQ(bench.Reports()[0].phase, Report::Phase::kRunning);
  bench.Connect();
  ASSERT_TRUE(bench.WaitUntil([&] { return os::Exists(go); }));
  ASSERT_TRUE(os::WriteFile(go, "through\n").ok());
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  EXPECT_TRUE(absl::EndsWith(bench.trace(kJob), "one\nthrough\ntwo\n")) << bench.trace(kJob);
  EXPECT_EQ(bench.result(kJob)->trace_sha256, os::Sha256Of(bench.trace(kJob)));
}

TEST(JobTableTest, FindsTheResultOfAJobThatEndedWhileThereWasNoAgent) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "sleep 0.2; echo done; exit 4");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("started job#1/1@5"));
  bench.Restart([&] {
    EXPECT_TRUE(bench.WaitUntil([&] { return os::Exists(bench.Path("jobs/1-1/result")); }));
  });
  bench.Connect();
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 script_failure"));
  EXPECT_EQ(bench.result(kJob)->exit_code, 4);
  EXPECT_EQ(bench.trace(kJob), "$ sleep 0.2; echo done; exit 4\ndone\n");
}

TEST(JobTableTest, ReportsAResultAgainInTheNextSession) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "echo");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  const auto results = [&] {
    const std::vector<std::string> events = bench.events();
    return std::count(events.begin(), events.end(), "finished job#1/1@5 success");
  };
  bench.Connect();
  EXPECT_TRUE(bench.WaitUntil([&] { return results() == 2; }));
  bench.Restart();
  bench.Connect();
  EXPECT_TRUE(bench.WaitUntil([&] { return results() == 3; }));
}

// The journal of an agent that died after writing `starting` and before the shim had the job.
void WriteStarting(const AgentBench& bench, const std::string& boot_id) {
  os::EventLoop loop;
  auto journal =
      trace::Journal::Open({.path = bench.Path("journal"), .make_room = nullptr}, loop).value();
  ASSERT_TRUE(journal->AppendLazily({trace::Record::Kind::kAccepted, kJob, "0\ntouch ran"}).ok());
  ASSERT_TRUE(journal->AppendLazily({trace::Record::Kind::kStarting, kJob, boot_id}).ok());
  ASSERT_TRUE(os::MakeDirs(bench.Path("jobs/1-1")).ok());
}

TEST(JobTableTest, NeverStartsAgainWhatMayHaveBeenStarted) {
  AgentBench bench;
  bench.Restart([&] { WriteStarting(bench, exec::BootId()); });
  bench.Connect();
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 agent_crash"));
  bench.Start(kJob);
  EXPECT_THAT(bench.events(), Not(Contains("started job#1/1@5")));
}

TEST(JobTableTest, TellsARestartOfTheMachineFromACrashOfTheAgent) {
  AgentBench bench;
  bench.Restart([&] { WriteStarting(bench, "00000000-another-boot"); });
  bench.Connect();
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 host_restart"));
}

// The end of a machine: shims and sockets are gone, and so may be what was printed in the last
// second, although the coordinator has it.
TEST(JobTableTest, A4_AfterARestartOfTheMachineTheLogIsThereUpToTheLastSecond) {
  AgentBench bench;
  bench.Connect();
  bench.Offer(kJob, "echo one; echo two; sleep 1000");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitUntil([&] { return absl::StrContains(bench.trace(kJob), "two\n"); }));
  const std::string folder = bench.Path("jobs/1-1");
  bench.Restart([&] {
    const absl::StatusOr<exec::ProcessKey> shim = exec::FindShim(folder);
    ASSERT_TRUE(shim.ok()) << shim.status();
    kill(shim->pid, SIGKILL);
    waitpid(shim->pid, nullptr, 0);
    for (const char* file : {"shim", "sock"}) {
      ASSERT_TRUE(os::RemoveTree(folder + "/" + file).ok());
    }
    ASSERT_EQ(truncate((folder + "/log").c_str(), static_cast<off_t>(bench.trace(kJob).size() - 4)),
              0);
    os::EventLoop loop;
    auto journal =
        trace::Journal::Open({.path = bench.Path("journal"), .make_room = nullptr}, loop).value();
    ASSERT_TRUE(
        journal->AppendLazily({trace::Record::Kind::kStarting, kJob, "00000000-another-boot"})
            .ok());
  });
  bench.Connect();
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 host_restart"));
  bench.Start(kJob);
  EXPECT_EQ(bench.events().back(), "finished job#1/1@5 host_restart");
  const std::string left = bench.trace(kJob).substr(0, bench.trace(kJob).size() - 4);
  EXPECT_TRUE(absl::EndsWith(left, "\none\n")) << left;
  EXPECT_EQ(bench.result(kJob)->trace_bytes, left.size());
  EXPECT_EQ(bench.result(kJob)->trace_sha256, os::Sha256Of(left));
}

TEST(JobTableTest, A8_TakesNoJobWhileTheLogsOfOthersHaveMoreThanTheQuota) {
  AgentBench bench;
  bench.settings().disk.spool_quota_bytes = 100'000;
  bench.Restart();
  bench.Connect();
  bench.Offer(kJob, "head -c 200000 /dev/zero");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 success"));
  const Assignment next{JobId(2), 1, Fence{6}};
  bench.Offer(next, "echo");
  EXPECT_THAT(bench.events().back(), HasSubstr("declined job#2/1@6: disk full: "));
  bench.On([](JobTable& table) { table.Forget(kJob); });
  bench.Offer(next, "echo");
  EXPECT_TRUE(bench.WaitFor("accepted job#2/1@6"));
}

TEST(JobTableTest, StartsNoJobThatMustStopWithoutALease) {
  AgentBench bench;
  bench.Connect();
  bench.On([](JobTable& table) { table.SetLease(absl::Seconds(1)); });  // long over
  bench.Offer(kJob, "stop on disconnect");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  EXPECT_TRUE(bench.WaitFor("finished job#1/1@5 lease_lost"));
}

// An agent that is killed once the shim has the job sends no lease any more: without one of its own
// a job that is to stop would run for ever.
TEST(JobTableTest, A1AShimIsHandedItsLeaseTogetherWithTheJob) {
  AgentBench bench;
  bench.Restart([&] { bench.settings().shim_program = GRANGE_NOTING_SHIM; });
  bench.Connect();
  const absl::Duration lease = os::RealClock().SinceBoot() + absl::Minutes(1);
  bench.On([&](JobTable& table) { table.SetLease(lease); });
  bench.Offer(kJob, "stop on disconnect");
  ASSERT_TRUE(bench.WaitFor("accepted job#1/1@5"));
  bench.Start(kJob);
  ASSERT_TRUE(bench.WaitFor("finished job#1/1@5 prepare_failed"));
  EXPECT_EQ(os::ReadFile(bench.Path("jobs/1-1/lease")).value_or("no file"),
            absl::StrCat(absl::ToInt64Milliseconds(lease)));
}

}  // namespace
}  // namespace grange::job
