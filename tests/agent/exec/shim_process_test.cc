#include "agent/exec/shim_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job_run.h"

namespace grange::exec {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Reason = ShimResult::Reason;

// The number of files below `dir` that contain `text`, by grep.
std::string FilesWith(const std::string& text, const std::string& dir) {
  os::ChildOptions grep;
  grep.argv = {"grep", "-rlaF", "-e", text, dir};
  const auto result = os::Run(grep);
  return result.ok() ? result->out : result.status().ToString();
}

TEST(ShimProcessTest, J4_KeepsEveryByteOfTheOutput) {
  JobRun job;
  const ShimResult result = job.Finish(
      "for i in {0..255}; do printf \"\\\\x$(printf %02x $i)\"; done; printf 'a\\rb\\r\\nno "
      "newline'");
  std::string expected;
  for (int i = 0; i < 256; ++i) expected += static_cast<char>(i);
  expected += "a\rb\r\nno newline";
  EXPECT_EQ(job.log(), expected);
  EXPECT_EQ(result.trace_bytes, expected.size());
  EXPECT_EQ(result.dropped_bytes, 0U);
}

TEST(ShimProcessTest, KeepsStdoutAndStderrInTheirOrder) {
  JobRun job;
  job.Finish("for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done");
  EXPECT_EQ(job.log(), "out1\nerr1\nout2\nerr2\nout3\nerr3\nout4\nerr4\nout5\nerr5\n");
}

TEST(ShimProcessTest, KeepsALargeOutputWhole) {
  JobRun job;
  const ShimResult result = job.Finish("yes 0123456789abcdef | head -c 50000000");
  std::string expected;
  while (expected.size() < 50000000) expected += "0123456789abcdef\n";
  expected.resize(50000000);
  EXPECT_EQ(result.trace_bytes, 50000000U);
  EXPECT_TRUE(job.log() == expected);
}

TEST(ShimProcessTest, ReportsExitStatusSignalAndUsage) {
  {
    JobRun job;
    const ShimResult result = job.Finish("i=0; while ((i < 20000)); do ((++i)); done; exit 3");
    EXPECT_EQ(result.reason, Reason::kExited);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_EQ(result.signal, 0);
    EXPECT_GT(result.cpu, absl::ZeroDuration());
    EXPECT_GT(result.duration, absl::ZeroDuration());
    EXPECT_GT(result.max_rss_bytes, 100000);
    EXPECT_EQ(result.detail, "");
    EXPECT_EQ(job.log(), "");
  }
  JobRun job;
  const ShimResult result = job.Finish("kill -9 $$");
  EXPECT_EQ(result.reason, Reason::kExited);
  EXPECT_EQ(result.signal, 9);
}

TEST(ShimProcessTest, ShowsOutputWhileTheJobRuns) {
  JobRun job;
  ASSERT_TRUE(job.Launch("printf 'no newline'; sleep 1000").ok());
  job.UntilPrinted("no newline");
}

TEST(ShimProcessTest, GivesTheScriptACleanStart) {
  JobRun job;
  job.run().env.push_back("EMPTY=");
  job.Finish(
      "pwd; cat; ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status; echo "
      "[$EMPTY];"
      "ps -o pid=,pgid=,sid= -p $$ | tr -s ' '; echo $$; umask; ulimit -c");
  const mode_t mask = umask(0);
  umask(mask);
  const std::string log = job.log();
  EXPECT_THAT(log, HasSubstr(job.workspace() + "\n"));
  // 3 is what ls reads the folder with.
  EXPECT_THAT(log, HasSubstr("0 1 2 3 SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n[]\n"));
}

TEST(ShimProcessTest, MasksAValueThatComesInTwoWrites) {
  JobRun job;
  job.run().masks = {"hunter2hunter2"};
  ASSERT_EQ(mkfifo((job.workspace() + "/go").c_str(), 0600), 0);
  ASSERT_TRUE(job.Launch("printf 'begin hunter2'; read x < go; printf 'hunter2 end'").ok());
  job.UntilPrinted("begin ");
  EXPECT_EQ(job.log(), "begin ");
  ASSERT_TRUE(os::WriteFile(job.workspace() + "/go", "go\n").ok());
  job.UntilEnd();
  EXPECT_EQ(job.log(), "begin [MASKED] end");
}

TEST(ShimProcessTest, KeepsSecretsOffTheDiskAndOutOfEveryCommandLine) {
  JobRun job;
  const std::string secret = absl::StrCat("s3cr3t-", job.dir().size(), "-of-this-test");
  job.run().masks = {secret};
  job.run().env.push_back("TOKEN=" + secret);
  job.run().after_script = "echo $TOKEN again";
  ASSERT_EQ(mkfifo((job.workspace() + "/go").c_str(), 0600), 0);
  ASSERT_TRUE(job.Launch("echo $TOKEN; echo $TOKEN | base64; echo there; read x < go").ok());
  job.UntilPrinted("there\n");
  for (const char* file : {"cmdline", "environ"}) {
    const std::string path = absl::StrCat("/proc/", job.key().pid, "/", file);
    EXPECT_THAT(os::ReadFile(path).value_or(""), Not(HasSubstr(secret))) << path;
  }
  EXPECT_EQ(FilesWith(secret, job.dir()), "");
  ASSERT_TRUE(os::WriteFile(job.workspace() + "/go", "go\n").ok());
  job.UntilEnd();
  EXPECT_EQ(job.log(), "[MASKED]\n[MASKED]\nthere\n[MASKED] again\n");
  EXPECT_EQ(FilesWith(secret, job.dir()), "");
}

TEST(ShimProcessTest, KeepsTheFirstBytesUpToTheLimitAndCountsTheRest) {
  JobRun job;
  job.run().trace_limit_bytes = 1000;
  const ShimResult result = job.Finish("printf 'ab'; head -c 5000000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(result.trace_bytes, 1000U);
  EXPECT_EQ(result.dropped_bytes, 5000002U - 1000U);
  EXPECT_EQ(job.log(), "ab" + std::string(998, 'x'));
  EXPECT_EQ(result.exit_code, 0);
}

TEST(ShimProcessTest, WritesThePrefixBeforeTheOutput) {
  JobRun job;
  job.run().trace_prefix = "fetched with hunter2hunter2\n";
  job.run().masks = {"hunter2hunter2"};
  job.Finish("echo built");
  EXPECT_EQ(job.log(), "fetched with [MASKED]\nbuilt\n");
}

TEST(ShimProcessTest, AppendsToALogThatThereIs) {
  JobRun job;
  ASSERT_TRUE(os::WriteFile(job.dir() + "/log", "prepared\n").ok());
  const ShimResult result = job.Finish("echo built");
  EXPECT_EQ(job.log(), "prepared\nbuilt\n");
  EXPECT_EQ(result.trace_bytes, 15U);
}

TEST(ShimProcessTest, RunsAfterScriptInItsOwnShellWithTheJobsStatus) {
  {
    JobRun job;
    job.run().after_script = "echo \"after $CI_JOB_STATUS [$x]\"";
    EXPECT_EQ(job.Finish("x=1; echo run").exit_code, 0);
    EXPECT_EQ(job.log(), "run\nafter success []\n");
  }
  JobRun job;
  job.run().env.push_back("CI_JOB_STATUS=running");
  job.run().after_script = "echo after $CI_JOB_STATUS";
  EXPECT_EQ(job.Finish("exit 4").exit_code, 4);
  EXPECT_EQ(job.log(), "after failed\n");
}

TEST(ShimProcessTest, IgnoresTheResultOfAfterScript) {
  JobRun job;
  job.run().after_script = "exit 9";
  const ShimResult result = job.Finish("true");
  EXPECT_EQ(result.reason, Reason::kExited);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.detail, "after_script failed with exit status 9");
}

TEST(ShimProcessTest, SaysWhyAScriptCouldNotBeStarted) {
  {
    JobRun job;
    job.run().shell = "/nonexistent/bash";
    job.run().after_script = "echo never";
    const ShimResult result = job.Finish("true");
    EXPECT_EQ(result.reason, Reason::kPrepareFailed);
    EXPECT_EQ(result.detail,
              "cannot execute the shell '/nonexistent/bash': No such file or directory");
    EXPECT_EQ(job.log(), "");
  }
  JobRun job;
  job.run().cwd = "/nonexistent/workspace";
  const ShimResult result = job.Finish("true");
  EXPECT_EQ(result.reason, Reason::kPrepareFailed);
  EXPECT_EQ(result.detail,
            "cannot enter the working directory '/nonexistent/workspace': No such file or "
            "directory");
}

TEST(ShimProcessTest, TakesARunLargerThanASocketsBuffer) {
  JobRun job;
  for (int i = 0; i < 30; ++i) {
    job.run().env.push_back(absl::StrCat("V", i, "=", std::string(40000, 'v')));
  }
  job.Finish(": " + std::string(3000000, 'x') + "\necho ${#V7}");
  EXPECT_EQ(job.log(), "40000\n");
}

TEST(ShimProcessTest, WorksInAFolderWhosePathIsTooLongForASocket) {
  JobRun job;
  const std::string deep = job.dir() + "/" + std::string(150, 'd');
  ASSERT_TRUE(os::MakeDirs(deep).ok());
  os::EventLoop loop;
  ShimRun run = job.run();
  run.script = "sleep 1000";
  run.timeout = absl::Seconds(30);
  auto launched = ShimProcess::Launch(loop, GRANGE_BIN_DIR "/grange-shim", deep, run, {});
  ASSERT_TRUE(launched.ok()) << launched.status();
  const ProcessKey key = (*launched)->key();
  launched->reset();
  std::optional<ShimResult> result;
  const auto adopted =
      ShimProcess::Adopt(loop, deep, key, {.on_output = {}, .on_end = [&](auto end) {
                                             result = std::move(end);
                                             loop.Stop();
                                           }});
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  (*adopted)->Cancel(absl::Hours(1), false);  // through the socket
  loop.Run();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kCanceled);
}

TEST(ShimProcessTest, RefusesAFolderThatAnotherShimHasHad) {
  JobRun job;
  job.Finish("true");
  const absl::Status again = job.Launch("echo twice");
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists) << again;
}

TEST(ShimProcessTest, SaysWhyItCouldNotBeLaunched) {
  os::EventLoop loop;
  JobRun job;
  const auto no_folder =
      ShimProcess::Launch(loop, GRANGE_BIN_DIR "/grange-shim", "/nonexistent/job", job.run(), {});
  EXPECT_EQ(no_folder.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(no_folder.status().message()),
              HasSubstr("cannot enter the job's folder '/nonexistent/job'"));
  const auto no_program = ShimProcess::Launch(loop, "/nonexistent/shim", job.dir(), job.run(), {});
  EXPECT_EQ(no_program.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace grange::exec
