#include <string>

#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "agent/exec/shim_process.h"
#include "common/os/real_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job_run.h"

// Jobs that do not come to their own end: cancel, timeout, lease.
namespace grange::exec {
namespace {

using Reason = ShimResult::Reason;

absl::Duration SinceBoot() { return os::RealClock().SinceBoot(); }

TEST(StopTest, CancelEndsAJobAtOnceThatDoesNotMind) {
  JobRun job;
  ASSERT_TRUE(job.Launch("echo up; sleep 1000").ok());
  job.UntilPrinted("up\n");
  job.Cancel(absl::Hours(1), false);
  const auto result = job.UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kCanceled);
  EXPECT_EQ(result->signal, 15);
  EXPECT_LT(job.elapsed(), absl::Seconds(20));
}

TEST(StopTest, CancelLeavesTimeToCleanUp) {
  JobRun job;
  ASSERT_TRUE(job.Launch("trap 'echo cleaning; sleep 0.2; echo clean; exit 7' TERM; echo up; "
                         "sleep 1000 & wait")
                  .ok());
  job.UntilPrinted("up\n");
  job.Cancel(absl::Hours(1), false);
  const auto result = job.UntilEnd();
  EXPECT_EQ(job.log(), "up\ncleaning\nclean\n");
  EXPECT_EQ(result->reason, Reason::kCanceled);
  EXPECT_EQ(result->exit_code, 7);
}

TEST(StopTest, CancelWaitsForOthersOfTheGroupAfterTheShellHasEnded) {
  JobRun job;
  ASSERT_TRUE(
      job.Launch(
             "bash -c 'trap \"sleep 0.2; echo cleaned; exit\" TERM; echo up; sleep 1000 & wait'")
          .ok());
  job.UntilPrinted("up\n");
  job.Cancel(absl::Hours(1), false);
  EXPECT_EQ(job.UntilEnd()->reason, Reason::kCanceled);
  EXPECT_EQ(job.log(), "up\ncleaned\n");
}

TEST(StopTest, J2_CancelKillsAJobThatIgnoresItAfterTheGrace) {
  JobRun job;
  ASSERT_TRUE(job.Launch("trap '' TERM; echo up; while :; do sleep 1; done").ok());
  job.UntilPrinted("up\n");
  const absl::Duration canceled_at = SinceBoot();
  job.Cancel(absl::Milliseconds(300), false);
  const auto result = job.UntilEnd();
  EXPECT_EQ(result->reason, Reason::kCanceled);
  EXPECT_EQ(result->signal, 9);
  EXPECT_GE(SinceBoot() - canceled_at, absl::Milliseconds(300));
  EXPECT_LE(SinceBoot() - canceled_at, absl::Milliseconds(300) + absl::Seconds(2));
}

TEST(StopTest, ForceKillsAtOnceEvenDuringTheGraceAndWithoutAfterScript) {
  JobRun job;
  job.run().after_script = "echo never";
  ASSERT_TRUE(job.Launch("trap 'echo asked' TERM; echo up; while :; do sleep 0.01; done").ok());
  job.UntilPrinted("up\n");
  job.Cancel(absl::Hours(1), false);
  job.UntilPrinted("asked\n");
  job.Cancel(absl::Hours(1), true);
  EXPECT_EQ(job.UntilEnd()->reason, Reason::kCanceled);
  EXPECT_THAT(job.log(), testing::Not(testing::HasSubstr("never")));
}

TEST(StopTest, CancelRunsAfterScriptAndARepeatedCancelLeavesItAlone) {
  JobRun job;
  job.run().after_script = "echo after $CI_JOB_STATUS; sleep 0.2; echo done";
  ASSERT_TRUE(job.Launch("echo up; sleep 1000").ok());
  job.UntilPrinted("up\n");
  job.Cancel(absl::Hours(1), false);
  job.UntilPrinted("after canceled\n");
  job.Cancel(absl::Hours(1), false);
  EXPECT_EQ(job.UntilEnd()->reason, Reason::kCanceled);
  EXPECT_EQ(job.log(), "up\nafter canceled\ndone\n");
}

TEST(StopTest, CancelKillsDaemonsToo) {
  JobRun job;
  ASSERT_TRUE(job.Launch("setsid sh -c 'echo $$; exec sleep 1000 > /dev/null 2>&1' & wait").ok());
  job.UntilPrinted("\n");
  job.Cancel(absl::Hours(1), false);
  job.UntilEnd();
  EXPECT_FALSE(IsAlive(std::string(absl::StripAsciiWhitespace(job.log()))));
}

TEST(StopTest, CancelReachesAStoppedJob) {
  JobRun job;
  ASSERT_TRUE(job.Launch("echo up; kill -STOP $$").ok());
  job.UntilPrinted("up\n");
  job.Cancel(absl::Hours(1), false);
  EXPECT_EQ(job.UntilEnd()->reason, Reason::kCanceled);
}

// On a busy machine a shell takes its time to start: tries longer timeouts until it did.
constexpr absl::Duration kTimeouts[] = {absl::Milliseconds(200), absl::Seconds(1), absl::Seconds(5),
                                        absl::Seconds(25)};

TEST(StopTest, ATimeoutEndsTheJobWithItsReasonAndWithoutAfterScript) {
  for (const absl::Duration timeout : kTimeouts) {
    JobRun job;
    job.run().timeout = timeout;
    job.run().stop_grace = absl::Milliseconds(100);
    job.run().after_script = "echo never";
    const ShimResult result = job.Finish("trap '' TERM; echo up; while :; do sleep 1; done");
    EXPECT_EQ(result.reason, Reason::kTimeout);
    EXPECT_GE(job.elapsed(), timeout);
    if (job.log().empty()) continue;
    EXPECT_EQ(result.signal, 9);
    EXPECT_EQ(job.log(), "up\n");
    EXPECT_GE(job.elapsed(), timeout + absl::Milliseconds(100));
    return;
  }
  FAIL() << "the shell never started in time";
}

TEST(StopTest, ATimeoutOfAfterScriptLeavesTheResultAlone) {
  for (const absl::Duration timeout : kTimeouts) {
    JobRun job;
    job.run().after_script_timeout = timeout;
    job.run().after_script = "echo after; sleep 1000";
    const ShimResult result = job.Finish("true");
    EXPECT_EQ(result.reason, Reason::kExited);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.detail,
              "after_script ran into its timeout; after_script was killed by signal 15");
    if (job.log().empty()) continue;
    EXPECT_EQ(job.log(), "after\n");
    return;
  }
  FAIL() << "the shell never started in time";
}

TEST(StopTest, ALostLeaseEndsAJobThatIsToStopOnDisconnect) {
  JobRun job;
  job.run().stop_on_disconnect = true;
  job.run().lease_until = SinceBoot() + absl::Hours(1);
  job.run().after_script = "echo never";
  ASSERT_TRUE(job.Launch("echo up; sleep 1000").ok());
  job.UntilPrinted("up\n");
  job.ExtendLease(SinceBoot() + absl::Milliseconds(100));
  EXPECT_EQ(job.UntilEnd()->reason, Reason::kLeaseLost);
  EXPECT_EQ(job.log(), "up\n");
}

TEST(StopTest, AJobIsNotStartedWithoutALease) {
  JobRun job;
  job.run().stop_on_disconnect = true;
  job.run().lease_until = absl::Milliseconds(1);
  const ShimResult result = job.Finish("echo never");
  EXPECT_EQ(result.reason, Reason::kLeaseLost);
  EXPECT_EQ(job.log(), "");
}

TEST(StopTest, TheLeaseDoesNotMatterToAJobThatIsToGoOn) {
  JobRun job;
  job.run().lease_until = absl::Milliseconds(1);
  EXPECT_EQ(job.Finish("echo done").reason, Reason::kExited);
}

}  // namespace
}  // namespace grange::exec
