#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/exec/job_cgroups.h"
#include "agent/exec/shim_process.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "job_run.h"

// Shims outlive agents.
namespace grange::exec {
namespace {

using Reason = ShimResult::Reason;

// Launches a job from another process and kills that when the job has started.
ProcessKey LaunchFromAnAgentThatDies(const JobRun& job, const std::string& script,
                                     const std::vector<std::string>& more = {}) {
  std::array<int, 2> ends;
  EXPECT_EQ(pipe(ends.data()), 0);
  os::UniqueFd out(ends[0]);
  os::UniqueFd in(ends[1]);
  os::ChildOptions options;
  options.argv = {GRANGE_DOOMED_AGENT, GRANGE_BIN_DIR "/grange-shim", job.dir(), job.workspace(),
                  script};
  options.argv.insert(options.argv.end(), more.begin(), more.end());
  options.stdout_fd = in.get();
  options.stderr_fd = STDERR_FILENO;
  auto agent = os::Child::Start(options);
  EXPECT_TRUE(agent.ok()) << agent.status();
  in.Reset();
  std::string line;
  char c = 0;
  while (read(out.get(), &c, 1) == 1 && c != '\n') line += c;
  agent->Kill(SIGKILL);
  EXPECT_EQ(agent->Wait().signal, SIGKILL);
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  ProcessKey key;
  EXPECT_TRUE(words.size() == 3 && absl::SimpleAtoi(words[0], &key.pid) &&
              absl::SimpleAtoi(words[1], &key.start_time))
      << line;
  if (words.size() == 3) key.boot_id = words[2];
  return key;
}

TEST(AdoptTest, AJobGoesOnWhenItsAgentIsKilledAndTheNextOneHearsOfItsEnd) {
  JobRun job;
  ASSERT_EQ(mkfifo((job.workspace() + "/go").c_str(), 0600), 0);
  const ProcessKey key =
      LaunchFromAnAgentThatDies(job, "echo before; read x < go; echo after; exit 3");
  ASSERT_TRUE(job.Adopt(key).ok());
  job.UntilPrinted("before\n");
  ASSERT_TRUE(os::WriteFile(job.workspace() + "/go", "go\n").ok());
  const auto result = job.UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kExited);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(job.log(), "before\nafter\n");
}

TEST(AdoptTest, TheNextAgentCanCancel) {
  JobRun job;
  const ProcessKey key = LaunchFromAnAgentThatDies(job, "echo up; sleep 1000");
  ASSERT_TRUE(job.Adopt(key).ok());
  job.UntilPrinted("up\n");
  job.Cancel(absl::Hours(1), false);
  EXPECT_EQ(job.UntilEnd()->reason, Reason::kCanceled);
}

TEST(AdoptTest, A1_AnAdoptedJobKeepsItsLimits) {
  JobRun job;
  const JobCgroups cgroups = JobCgroups::Find(job.dir(), "");
  if (!cgroups.WhyNoPids().empty()) GTEST_SKIP() << cgroups.WhyNoPids();
  ASSERT_EQ(mkfifo((job.workspace() + "/go").c_str(), 0600), 0);
  const ProcessKey key = LaunchFromAnAgentThatDies(
      job, "echo up; read x < go; for i in {1..60}; do sleep 1000 & done; wait", {"30"});
  ASSERT_TRUE(job.Adopt(key).ok());
  job.UntilPrinted("up\n");
  ASSERT_TRUE(os::WriteFile(job.workspace() + "/go", "go\n").ok());
  const auto result = job.UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kPidsLimit);
  EXPECT_EQ(cgroups.Sweep({}), 0U);  // its groups went with it
}

TEST(AdoptTest, TheNextAgentHearsThatAShimWasKilled) {
  JobRun job;
  const ProcessKey key = LaunchFromAnAgentThatDies(job, "setsid sleep 1000 & echo $!; sleep 1000");
  ASSERT_TRUE(job.Adopt(key).ok());
  job.UntilPrinted("\n");
  kill(key.pid, SIGKILL);
  EXPECT_FALSE(job.UntilEnd().has_value());
  EXPECT_FALSE(IsAlive(std::string(absl::StripAsciiWhitespace(job.log()))));
}

TEST(AdoptTest, AForcedCancelWorksWithoutTheSocketToo) {
  JobRun job;
  ASSERT_TRUE(job.Launch("echo $$; mkdir " + job.dir() + "/sock; echo up; sleep 1000").ok());
  job.UntilPrinted("up\n");
  const ProcessKey key = job.key();
  job.ForgetShim();
  ASSERT_TRUE(job.Adopt(key).ok());
  job.Cancel(absl::ZeroDuration(), true);
  EXPECT_FALSE(job.UntilEnd().has_value());
  EXPECT_FALSE(IsAlive(std::string(job.log().substr(0, job.log().find('\n')))));
}

TEST(AdoptTest, FindsNoShimWhoseJobHasEnded) {
  JobRun job;
  EXPECT_EQ(job.Finish("exit 2").exit_code, 2);
  const auto key = FindShim(job.dir());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(job.Adopt(*key).code(), absl::StatusCode::kNotFound);
  const auto result = ReadShimResult(job.dir());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 2);
}

TEST(AdoptTest, TakesNoOtherProcessForAShim) {
  JobRun job;
  ASSERT_TRUE(job.Launch("sleep 1000").ok());
  const ProcessKey key = job.key();
  JobRun other;
  EXPECT_EQ(other.Adopt({key.pid, key.start_time + 1, key.boot_id}).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(other.Adopt({key.pid, key.start_time, "another boot"}).code(),
            absl::StatusCode::kNotFound);
}

TEST(AdoptTest, ClearsAwayWhatAShimLeftThatDiedWhileThereWasNoAgent) {
  JobRun job;
  ASSERT_TRUE(job.Launch("setsid sh -c 'echo $$; exec sleep 1000'").ok());
  job.UntilPrinted("\n");
  const ProcessKey key = job.key();
  job.ForgetShim();
  ASSERT_EQ(kill(key.pid, SIGKILL), 0);
  ASSERT_EQ(waitpid(key.pid, nullptr, 0), key.pid);
  EXPECT_EQ(job.Adopt(key).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(IsAlive(std::string(absl::StripAsciiWhitespace(job.log()))));
}

TEST(FindShimTest, FindsTheShimThatRuns) {
  JobRun job;
  ASSERT_TRUE(job.Launch("sleep 1000").ok());
  const auto key = FindShim(job.dir());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(*key, job.key());
}

TEST(FindShimTest, LetsNoShimStartInAFolderWhereItFoundNone) {
  JobRun job;
  EXPECT_EQ(FindShim(job.dir()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(job.Launch("echo never").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(FindShim(job.dir()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(job.log(), "");
}

TEST(ReadShimResultTest, TellsMissingFromDamaged) {
  JobRun job;
  EXPECT_EQ(ReadShimResult(job.dir()).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(os::WriteFile(job.dir() + "/result", "reason=exited\nexit_code=0\n").ok());
  EXPECT_EQ(ReadShimResult(job.dir()).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace grange::exec
