#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/exec/shim_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job_run.h"

// Nothing that a job has started outlives it.
namespace grange::exec {
namespace {

using ::testing::HasSubstr;
using Reason = ShimResult::Reason;

std::vector<std::string> Words(const std::string& text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

// Each prints the number of the daemon that it leaves.
const std::pair<const char*, const char*> kDaemons[] = {
    {"session of its own", "setsid sh -c 'echo $$; exec sleep 1000 > /dev/null 2>&1' &"},
    {"double fork", "( ( setsid sh -c 'echo $$; exec sleep 1000 > /dev/null 2>&1' & ) & )"},
    {"nohup", "nohup sleep 1000 > /dev/null 2>&1 & echo $!"},
    {"disown", "sleep 1000 > /dev/null 2>&1 & echo $!; disown"},
    {"holds the pipe", "sleep 1000 & echo $!"},
    {"ignores signals", "bash -c 'trap \"\" TERM HUP INT; echo $$; while :; do sleep 1; done' &"},
};

TEST(ProcessEndTest, J1_DaemonsEndWithTheScript) {
  for (const auto& [kind, script] : kDaemons) {
    SCOPED_TRACE(kind);
    JobRun job;
    // The script goes on until the daemon has said its number.
    const ShimResult result = job.Finish(
        absl::StrCat("exec 3>&1; { ", script, "\n} | { read -r pid; echo $pid >&3; }; exit 5"));
    const std::vector<std::string> pids = Words(job.log());
    ASSERT_EQ(pids.size(), 1U) << job.log();
    EXPECT_FALSE(IsAlive(pids[0]));
    EXPECT_EQ(result.reason, Reason::kExited);
    EXPECT_EQ(result.exit_code, 5);
  }
}

TEST(ProcessEndTest, J3_AJobEndsWithItsScriptThoughADaemonHoldsItsOutput) {
  JobRun job;
  const ShimResult result = job.Finish("sleep 1000 & echo $!; exit 5");
  EXPECT_EQ(result.reason, Reason::kExited);
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_FALSE(IsAlive(Words(job.log())[0]));
}

TEST(ProcessEndTest, SaysWhichLeftoversWereKilled) {
  JobRun job;
  const ShimResult result = job.Finish("sleep 1000 & echo $!");
  EXPECT_EQ(result.detail, absl::StrCat("killed 1 process that the script left: sleep (",
                                        absl::StripAsciiWhitespace(job.log()), ")"));
}

TEST(ProcessEndTest, LetsWhatStillWritesComeToItsEnd) {
  JobRun job;
  const ShimResult result = job.Finish(
      "exec > >(while read -r line; do echo \"< $line\"; done); for i in {1..3000}; do echo $i; "
      "done");
  std::string expected;
  for (int i = 1; i <= 3000; ++i) absl::StrAppend(&expected, "< ", i, "\n");
  EXPECT_EQ(job.log(), expected);
  EXPECT_EQ(result.detail, "");
}

TEST(ProcessEndTest, LetsWhoIsOnItsWayOutWithClosedOutputEndByItself) {
  JobRun job;
  const ShimResult result = job.Finish(
      "exec > >(cat; exec > /dev/null 2>&1; for ((i = 0; i < 10000; i++)); do :; done)\necho out");
  EXPECT_EQ(job.log(), "out\n");
  EXPECT_EQ(result.detail, "");
}

TEST(ProcessEndTest, EndsWhoComputesWithoutEndWithClosedOutput) {
  JobRun job;
  const ShimResult result = job.Finish("(while :; do :; done) > /dev/null 2>&1 &");
  EXPECT_THAT(result.detail, HasSubstr("killed 1 process that the script left"));
}

TEST(ProcessEndTest, EndsAnEndlessWriterThatTheScriptLeft) {
  JobRun job;
  job.run().trace_limit_bytes = 1 << 20;
  const ShimResult result = job.Finish("yes & exit 0");
  EXPECT_EQ(result.trace_bytes, uint64_t{1} << 20);
  EXPECT_THAT(result.detail, HasSubstr("yes ("));
}

TEST(ProcessEndTest, EndsManyProcessesThatMakeMore) {
  JobRun job;
  const ShimResult result = job.Finish(
      "spin() { while :; do (setsid sleep 1000 > /dev/null 2>&1 & ); sleep 0.001; done; }\n"
      "for i in 1 2 3 4; do spin & done; sleep 0.1; exit 0");
  EXPECT_THAT(result.detail, HasSubstr("that the script left"));
  EXPECT_THAT(result.detail, testing::Not(HasSubstr("could not be killed")));
}

TEST(ProcessEndTest, A3_NothingIsLeftOfTheJobOfAKilledShim) {
  JobRun job;
  ASSERT_TRUE(job.Launch("setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000 & echo $!; echo $$;"
                         "(setsid nohup sh -c 'echo $$; echo all; exec sleep 1000' &) ; wait; "
                         "sleep 1000")
                  .ok());
  job.UntilPrinted("all\n");
  const ProcessKey key = job.key();
  ASSERT_EQ(kill(key.pid, SIGKILL), 0);
  EXPECT_FALSE(job.UntilEnd().has_value());
  for (const std::string& pid : Words(job.log())) {
    if (pid == "all") continue;
    EXPECT_FALSE(IsAlive(pid)) << pid;
  }
}

TEST(ProcessEndTest, CollectsOrphansWhileTheJobRuns) {
  JobRun job;
  job.Finish(
      "for i in {1..20}; do (true &); done; for i in {1..600}; do "
      "left=$(ps -o stat= --ppid $PPID | grep -c Z); [ $left = 0 ] && break; sleep 0.05; done; "
      "echo $left");
  EXPECT_EQ(job.log(), "0\n");
}

}  // namespace
}  // namespace grange::exec
