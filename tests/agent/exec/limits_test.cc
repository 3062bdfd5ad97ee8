#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/exec/job_cgroups.h"
#include "agent/exec/shim_process.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job_run.h"

// Jobs under limits of the kernel's, in real cgroups of this machine.
namespace grange::exec {
namespace {

using ::testing::HasSubstr;
using Reason = ShimResult::Reason;

constexpr uint64_t kMiB = 1 << 20;

bool AnyExists(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    if (os::Exists(folder)) return true;
  }
  return false;
}

class LimitsTest : public testing::Test {
 protected:
  LimitsTest() : cgroups_(JobCgroups::Find(job_.dir(), "")) {}
  ~LimitsTest() override { cgroups_.Sweep({}); }

  void SetUp() override {
    for (const std::string& why : {cgroups_.WhyNoMemory(), cgroups_.WhyNoPids()}) {
      if (!why.empty()) GTEST_SKIP() << why;
    }
  }
  void Limit(const JobLimits& limits) {
    absl::StatusOr<JobCgroup> made = cgroups_.Make(job_.dir(), limits);
    ASSERT_TRUE(made.ok()) << made.status();
    job_.run().cgroup = *made;
  }
  const std::vector<std::string>& folders() { return job_.run().cgroup.folders(); }

  JobRun job_;
  const JobCgroups cgroups_;
};

TEST_F(LimitsTest, A7_AJobOverItsMemoryLimitIsKilledAndSaysSo) {
  Limit({.memory_bytes = 64 * kMiB});
  const ShimResult result =
      job_.Finish("echo before; x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}");
  EXPECT_EQ(result.reason, Reason::kMemoryLimit);
  EXPECT_EQ(result.detail, "killed: memory limit 64 MiB");
  EXPECT_EQ(job_.log(), "before\n");
}

TEST_F(LimitsTest, A7_AScriptThatGoesOnAfterTheKillFailsAllTheSame) {
  Limit({.memory_bytes = 64 * kMiB});
  const ShimResult result = job_.Finish(
      "(exec 2>/dev/null; x=$(head -c 300000000 /dev/zero | tr '\\0' x)) || true; sleep 1000");
  EXPECT_EQ(result.reason, Reason::kMemoryLimit);
}

TEST_F(LimitsTest, AJobWithinItsLimitsIsLeftAlone) {
  Limit({.memory_bytes = 256 * kMiB, .pids = 50});
  const ShimResult result = job_.Finish("for i in {1..20}; do sleep 0.1 & done; wait; echo done");
  EXPECT_EQ(result.reason, Reason::kExited);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(job_.log(), "done\n");
}

TEST_F(LimitsTest, J8_AForkBombEndsWithTheLimitsName) {
  Limit({.pids = 60});
  const ShimResult result = job_.Finish("bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1000");
  EXPECT_EQ(result.reason, Reason::kPidsLimit);
  EXPECT_THAT(result.detail, HasSubstr("killed: limit of 60 processes and threads"));
  EXPECT_LT(job_.elapsed(), absl::Seconds(20));
  EXPECT_FALSE(AnyExists(folders()));  // so nobody is in there
}

TEST_F(LimitsTest, J8_AForkBombThatTheScriptLeavesBehindFailsTheJobToo) {
  Limit({.pids = 60});
  const ShimResult result = job_.Finish("bomb() { bomb | bomb & }; bomb 2>/dev/null; exit 0");
  EXPECT_EQ(result.reason, Reason::kPidsLimit);
  EXPECT_FALSE(AnyExists(folders()));
}

TEST_F(LimitsTest, TheAfterScriptRunsWithinTheSameLimitsAndChangesNoReason) {
  Limit({.pids = 40});
  job_.run().after_script =
      "echo after: $CI_JOB_STATUS; /bin/true && bomb() { bomb | bomb & }; "
      "bomb 2>/dev/null; sleep 1000";
  const ShimResult result = job_.Finish("true; exit 0");
  EXPECT_EQ(result.reason, Reason::kExited);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.detail, HasSubstr("after_script was killed: limit of 40 processes"));
  EXPECT_EQ(job_.log(), "after: success\n");
}

TEST_F(LimitsTest, AJobKilledAtALimitHasItsAfterScript) {
  Limit({.memory_bytes = 64 * kMiB, .pids = 100});
  job_.run().after_script = "echo after: $CI_JOB_STATUS; /bin/echo cleaned";
  const ShimResult result =
      job_.Finish("x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}");
  EXPECT_EQ(result.reason, Reason::kMemoryLimit);
  EXPECT_EQ(job_.log(), "after: failed\ncleaned\n");
}

TEST_F(LimitsTest, TheShimIsNotInTheGroup) {
  Limit({.pids = 50});
  ASSERT_TRUE(job_.Launch("echo $$; sleep 1000").ok());
  job_.UntilPrinted("\n");
  for (const std::string& folder : folders()) {
    const std::string procs = os::ReadFile(folder + "/cgroup.procs").value_or("");
    const std::vector<std::string> pids = absl::StrSplit(procs, '\n', absl::SkipEmpty());
    EXPECT_THAT(pids, testing::Contains(std::string(absl::StripAsciiWhitespace(job_.log()))));
    EXPECT_THAT(pids, testing::Not(testing::Contains(absl::StrCat(job_.key().pid))));
  }
}

TEST_F(LimitsTest, TheGroupIsRemovedAtTheEnd) {
  Limit({.pids = 50});
  ASSERT_TRUE(AnyExists(folders()));
  job_.Finish("sleep 1000 & exit 3");
  EXPECT_FALSE(AnyExists(folders()));
}

// Each leaves a daemon that nothing but the group still ties to its job.
const std::pair<const char*, const char*> kDaemons[] = {
    {"session of its own", "setsid sh -c 'echo $$; exec sleep 1000' &"},
    {"double fork", "( ( setsid sh -c 'echo $$; exec sleep 1000' & ) & )"},
    {"nohup", "nohup sh -c 'echo $$; exec sleep 1000' &"},
    {"disown", "sh -c 'echo $$; exec sleep 1000' & disown"},
    {"cleared environment", "env -i setsid sh -c 'echo $$; exec sleep 1000' &"},
};

TEST_F(LimitsTest, J1_DaemonsOfAKilledShimEndByTheGroup) {
  Limit({.pids = 100});
  std::string script;
  for (const auto& [kind, daemon] : kDaemons) absl::StrAppend(&script, daemon, "\n");
  ASSERT_TRUE(job_.Launch(absl::StrCat(script, "sleep 1000")).ok());
  job_.UntilLines(std::size(kDaemons));
  const std::vector<std::string> pids = absl::StrSplit(job_.log(), '\n', absl::SkipEmpty());
  ASSERT_EQ(kill(job_.key().pid, SIGKILL), 0);
  EXPECT_FALSE(job_.UntilEnd().has_value());
  for (const std::string& pid : pids) EXPECT_FALSE(IsAlive(pid)) << pid;
  EXPECT_FALSE(AnyExists(folders()));
}

TEST_F(LimitsTest, WhatADeadAgentAndShimHaveLeftIsSweptAtTheNextStart) {
  Limit({.pids = 50});
  ASSERT_TRUE(job_.Launch("env -i setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000").ok());
  job_.UntilPrinted("\n");
  const ProcessKey key = job_.key();
  job_.ForgetShim();
  ASSERT_EQ(kill(key.pid, SIGKILL), 0);
  const std::string name = job_.dir().substr(job_.dir().rfind('/') + 1);
  EXPECT_EQ(cgroups_.Sweep({name}), 0U);
  EXPECT_TRUE(AnyExists(folders()));
  EXPECT_EQ(JobCgroups::Find("another state directory", "").Sweep({}), 0U);
  EXPECT_GT(cgroups_.Sweep({}), 0U);
  EXPECT_FALSE(AnyExists(folders()));
  EXPECT_FALSE(IsAlive(std::string(absl::StripAsciiWhitespace(job_.log()))));
}

TEST_F(LimitsTest, LimitsThatWereTakenAwayAreSetAgain) {
  Limit({.pids = 50});
  const auto pids_max = [this] {
    for (const std::string& folder : folders()) {
      const absl::StatusOr<std::string> text = os::ReadFile(folder + "/pids.max");
      if (text.ok()) return std::string(absl::StripAsciiWhitespace(*text));
    }
    return std::string();
  };
  ASSERT_EQ(pids_max(), "50");
  for (const std::string& folder : folders()) {
    os::WriteFile(folder + "/pids.max", "max").IgnoreError();  // only one of them has it
  }
  ASSERT_EQ(pids_max(), "max");
  const absl::Status renewed = cgroups_.Renew(job_.dir());
  EXPECT_TRUE(renewed.ok()) << renewed;
  EXPECT_EQ(pids_max(), "50");
}

TEST_F(LimitsTest, AnOomKillerLooksAtJobsFirst) {
  const ShimResult result = job_.Finish("cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj");
  EXPECT_EQ(result.exit_code, 0);
  const std::vector<std::string> scores = absl::StrSplit(job_.log(), '\n');
  EXPECT_EQ(scores[0], "500");
  EXPECT_NE(scores[1], "500");  // the shim's
}

TEST(NoNewPrivsTest, IsSetWhereItIsWanted) {
  for (const bool wanted : {false, true}) {
    JobRun job;
    job.run().no_new_privs = wanted;
    job.Finish("grep NoNewPrivs /proc/self/status");
    EXPECT_EQ(job.log(), wanted ? "NoNewPrivs:\t1\n" : "NoNewPrivs:\t0\n");
  }
}

}  // namespace
}  // namespace grange::exec
