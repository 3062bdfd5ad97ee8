// Jobs that want more of a machine than they may, on a whole farm.
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/exec/job_cgroups.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// "" if this machine and account can limit jobs.
std::string WhyNoLimits() {
  const exec::JobCgroups cgroups = exec::JobCgroups::Find("test", "");
  return cgroups.WhyNoMemory().empty() ? cgroups.WhyNoPids() : cgroups.WhyNoMemory();
}

std::string Detail(Farm& farm, const nlohmann::json& job) {
  return farm.Ctl({"job", absl::StrCat(job["id"].get<int64_t>())}).out;
}

TEST(LimitsTest, J8_TheAgentIsWellUnderAForkBombAndTheJobFailsWithTheLimitsName) {
  if (const std::string why = WhyNoLimits(); !why.empty()) GTEST_SKIP() << why;
  // Silence counts after 1.5 s instead of 30.
  Farm farm({.time_scale = 0.05,
             .coordinator_arguments = {},
             .agent_environment = {},
             .prepare_state = nullptr,
             .agent_arguments = {"--pids-limit", "300"}});
  farm.AddAgent();
  const std::string repository = farm.MakeRepository(
      "app",
      "bomb:\n  script: ['bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1000']\n"
      "other:\n  script: ['for i in $(seq 20); do /bin/echo $i; sleep 0.1; done']\n");
  const int64_t pipeline = farm.Submit(repository);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  const nlohmann::json bomb = farm.Job(pipeline, "bomb");
  EXPECT_EQ(Text(bomb, "failure_reason"), "pids_limit");
  EXPECT_THAT(Detail(farm, bomb), HasSubstr("killed: limit of 300 processes and threads"));
  EXPECT_THAT(farm.Trace(bomb["id"].get<int64_t>()),
              HasSubstr("Limits: 300 processes and threads"));
  EXPECT_EQ(Text(farm.Job(pipeline, "other"), "status"), "success");
  // A heartbeat that came late would have been said.
  EXPECT_THAT(farm.coordinator().Log(), Not(HasSubstr("agent_silent")));
  EXPECT_EQ(farm.StopAndFindLeftovers(), "");
}

TEST(LimitsTest, A7_AJobOverItsMemoryLimitFailsWithTheTextAndTheAgentIsUntouched) {
  if (const std::string why = WhyNoLimits(); !why.empty()) GTEST_SKIP() << why;
  Farm farm({.coordinator_arguments = {},
             .agent_environment = {},
             .prepare_state = nullptr,
             .agent_arguments = {"--memory-limit", "256MiB"}});
  farm.AddAgent();
  const pid_t agent = farm.agent("agent-1").pid();
  const std::string repository = farm.MakeRepository(
      "app",
      "hog:\n  variables: {GRANGE_MEMORY_LIMIT: 96 MiB}\n"
      "  script: [\"head -c 300000000 /dev/zero | tr '\\\\0' x | sort > /dev/null\"]\n"
      "more:\n  variables: {GRANGE_MEMORY_LIMIT: 4GiB}\n  script: [/bin/true]\n");
  const int64_t pipeline = farm.Submit(repository);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  const nlohmann::json hog = farm.Job(pipeline, "hog");
  EXPECT_EQ(Text(hog, "failure_reason"), "memory_limit");
  EXPECT_THAT(Detail(farm, hog), HasSubstr("killed: memory limit 96 MiB"));
  EXPECT_EQ(farm.agent("agent-1").pid(), agent);
  EXPECT_TRUE(farm.agent("agent-1").Running());
  const nlohmann::json more = farm.Job(pipeline, "more");
  EXPECT_EQ(Text(more, "status"), "success");
  EXPECT_THAT(farm.Trace(more["id"].get<int64_t>()),
              StartsWith("Limits: 256 MiB of memory\nWARNING: this job asks for 4 GiB of memory; "
                         "this agent gives a job 256 MiB of memory\n"));
}

TEST(LimitsTest, A1_AJobKeepsItsLimitsWhenItsAgentIsKilled) {
  if (const std::string why = WhyNoLimits(); !why.empty()) GTEST_SKIP() << why;
  Farm farm;
  farm.AddAgent();
  const std::string go = farm.dir() + "/go";
  const std::string repository = farm.MakeRepository(
      "app", absl::StrCat("hog:\n  variables: {GRANGE_PIDS_LIMIT: 30}\n  script:\n"
                          "    - while [ ! -e ",
                          go,
                          " ]; do sleep 0.05; done\n"
                          "    - for i in $(seq 60); do sleep 1000 & done; wait\n"));
  const int64_t pipeline = farm.Submit(repository);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "hog", "running"));
  farm.KillAgent("agent-1");
  farm.StartAgent("agent-1");
  ASSERT_TRUE(os::WriteFile(go, "").ok());
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  EXPECT_EQ(Text(farm.Job(pipeline, "hog"), "failure_reason"), "pids_limit");
}

TEST(LimitsTest, J8_AMachineWithoutCgroupsSaysSoInTheLogOfTheJobAndOfTheAgent) {
  if (getuid() != 0) GTEST_SKIP() << "mount namespaces need root";
  const std::vector<std::string> without = {
      "unshare", "--mount", "sh", "-c", "umount -l -R /sys/fs/cgroup || exit 77; exec \"$@\"",
      "sh"};
  Farm farm;
  AgentOptions agent;
  agent.prefix = without;
  farm.AddAgent(agent);
  const std::string repository = farm.MakeRepository(
      "app",
      "job:\n  variables: {GRANGE_MEMORY_LIMIT: 96 MiB, GRANGE_PIDS_LIMIT: 50}\n"
      "  script: [echo done]\nplain:\n  script: [echo done]\n");
  const int64_t pipeline = farm.Submit(repository);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  const std::string trace = farm.Trace(farm.Job(pipeline, "job")["id"].get<int64_t>());
  EXPECT_THAT(trace, StartsWith("WARNING: this job runs without its limit of 96 MiB of memory: "
                                "this machine has no cgroup controller 'memory'\n"));
  EXPECT_THAT(trace, HasSubstr("without its limit of 50 processes and threads: "));
  EXPECT_THAT(farm.Trace(farm.Job(pipeline, "plain")["id"].get<int64_t>()),
              Not(HasSubstr("limit")));
  EXPECT_THAT(farm.agent("agent-1").Log(), HasSubstr("no_memory_limits"));
  std::vector<std::string> check = without;
  check.erase(check.begin());
  check.insert(check.end(),
               {Farm::Bin("grange-agent"), "check", "--state", farm.AgentState("agent-1")});
  EXPECT_THAT(farm.RunProgram("/usr/bin/unshare", check).out,
              HasSubstr("limits of jobs: none; not of memory: this machine has no cgroup"));
}

}  // namespace
}  // namespace grange::test
