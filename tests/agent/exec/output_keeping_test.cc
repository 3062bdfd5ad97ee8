// What a shim does with a job's output where the disk is full, fails or is slow, and at the limit.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job_run.h"
#include "tests/support/farm.h"
#include "tests/support/injection.h"
#include "tests/support/small_disk.h"

namespace grange::exec {
namespace {

using ::testing::HasSubstr;
using Reason = ShimResult::Reason;
using test::AttachedInjection;
using test::Eventually;

constexpr int kPipeBytes = 64 << 10;  // what a pipe holds as long as nobody asks for more

std::string Numbers(int count) {
  std::string numbers;
  for (int i = 1; i <= count; ++i) absl::StrAppend(&numbers, i, "\n");
  return numbers;
}

// Bytes of output that the shim has not read.
int UnreadOutput(pid_t shim) {
  const std::string folder = absl::StrCat("/proc/", shim, "/fd");
  for (const std::string& name : os::ListDir(folder).value_or(std::vector<std::string>())) {
    const std::string path = os::JoinPath(folder, name);
    struct stat info {};
    if (stat(path.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode)) continue;
    const os::UniqueFd pipe(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    int unread = 0;
    if (pipe.is_open() && ioctl(pipe.get(), FIONREAD, &unread) == 0) return unread;
  }
  return -1;
}

bool HasTimer(pid_t shim) {
  const std::string folder = absl::StrCat("/proc/", shim, "/fdinfo");
  for (const std::string& name : os::ListDir(folder).value_or(std::vector<std::string>())) {
    const std::string info = os::ReadFile(os::JoinPath(folder, name)).value_or("");
    if (absl::StrContains(info, "clockid:") && !absl::StrContains(info, "it_value: (0, 0)")) {
      return true;
    }
  }
  return false;
}

// A job that waits at the file `go` of its workspace as often as it likes.
class OutputKeepingTest : public ::testing::Test {
 protected:
  OutputKeepingTest() {
    job_.run().sync_log = true;
    EXPECT_EQ(mkfifo((job_.workspace() + "/go").c_str(), 0600), 0);
  }
  void Go() { EXPECT_TRUE(os::WriteFile(job_.workspace() + "/go", "go\n").ok()); }

  JobRun job_;
};

TEST_F(OutputKeepingTest, A4_AGrowingLogIsSyncedAboutOnceASecondAndAnIdleJobSleeps) {
  if (const std::string why = test::WhyNoInjection(); !why.empty()) GTEST_SKIP() << why;
  job_.run().timeout = absl::ZeroDuration();  // whose end would be a timer too
  // Opened once: a read that opens it anew while the last writer still closes it finds its end.
  ASSERT_TRUE(
      job_.Launch("exec 5<> go; read x <&5; echo one; read x <&5; echo two; read x <&5").ok());
  const pid_t shim = job_.key().pid;
  const auto syncs = AttachedInjection::Attach(
      shim, {.calls = "fdatasync", .action = "delay_enter=1", .when = "1+"},
      job_.workspace() + "/strace");
  if (!syncs.ok()) GTEST_SKIP() << syncs.status();
  Go();
  job_.UntilPrinted("one\n");
  EXPECT_TRUE(Eventually([&] { return (*syncs)->Injected() == 1; }));
  EXPECT_TRUE(Eventually([&] { return !HasTimer(shim); }));
  Go();
  job_.UntilPrinted("two\n");
  EXPECT_TRUE(Eventually([&] { return (*syncs)->Injected() == 2; }));
  EXPECT_TRUE(Eventually([&] { return !HasTimer(shim); }));
  Go();
  EXPECT_EQ(job_.UntilEnd()->exit_code, 0);
  EXPECT_EQ((*syncs)->Injected(), 2);  // the file is as it was synced
}

TEST_F(OutputKeepingTest, A4_AShortJobIsNotHeldUpByASync) {
  if (const std::string why = test::WhyNoInjection(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_TRUE(job_.Launch("read x < go; echo one").ok());
  const auto syncs = AttachedInjection::Attach(
      job_.key().pid, {.calls = "fdatasync", .action = "delay_enter=2000000", .when = "1+"},
      job_.workspace() + "/strace");
  if (!syncs.ok()) GTEST_SKIP() << syncs.status();
  Go();
  EXPECT_EQ(job_.UntilEnd()->exit_code, 0);
  if (job_.elapsed() >= absl::Seconds(1)) GTEST_SKIP() << "the machine was too slow for it";
  EXPECT_EQ((*syncs)->Injected(), 0);
}

TEST_F(OutputKeepingTest, A8_APausedJobWaitsAtItsPipeAndLosesNothing) {
  ASSERT_TRUE(job_.Launch("echo begun; read x < go; seq 1 100000").ok());
  job_.UntilPrinted("begun\n");
  job_.Pause(true);
  Go();
  EXPECT_TRUE(Eventually([&] { return UnreadOutput(job_.key().pid) == kPipeBytes; }));
  EXPECT_EQ(job_.log(), "begun\n");
  job_.Pause(false);
  EXPECT_EQ(job_.UntilEnd()->exit_code, 0);
  EXPECT_EQ(job_.log(), "begun\n" + Numbers(100000));
}

TEST_F(OutputKeepingTest, A8_APauseEndsWithTheAgentThatHasAskedForIt) {
  ASSERT_TRUE(job_.Launch("echo begun; read x < go; seq 1 100000; echo > done").ok());
  job_.UntilPrinted("begun\n");
  const ProcessKey key = job_.key();
  job_.Pause(true);
  Go();
  EXPECT_TRUE(Eventually([&] { return UnreadOutput(key.pid) == kPipeBytes; }));
  job_.ForgetShim();
  EXPECT_TRUE(Eventually([&] { return os::Exists(job_.workspace() + "/done"); }));
  EXPECT_TRUE(Eventually([&] { return os::Exists(job_.dir() + "/result"); }));
  EXPECT_EQ(job_.log(), "begun\n" + Numbers(100000));
}

TEST_F(OutputKeepingTest, A8_WhatIsStillWrittenAfterTheScriptIsWaitedForDuringAPause) {
  ASSERT_TRUE(job_.Launch("echo begun; read x < go; (seq 1 20000; echo last) &").ok());
  job_.UntilPrinted("begun\n");
  job_.Pause(true);
  Go();
  EXPECT_TRUE(Eventually([&] { return UnreadOutput(job_.key().pid) == kPipeBytes; }));
  job_.Pause(false);
  EXPECT_EQ(job_.UntilEnd()->exit_code, 0);
  EXPECT_EQ(job_.log(), absl::StrCat("begun\n", Numbers(20000), "last\n"));
}

TEST_F(OutputKeepingTest, A8_TheJobThatHasWrittenTheMostEndsAndSaysHowMuch) {
  job_.run().after_script = "echo never";
  ASSERT_TRUE(job_.Launch("echo begun; sleep 1000").ok());
  job_.UntilPrinted("begun\n");
  job_.FailDiskFull(43 << 20, true);
  const std::optional<ShimResult> result = job_.UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kDiskFull);
  EXPECT_EQ(result->detail,
            "the agent's disk was full and this job had written the most: 43 MiB into its work "
            "tree; let it write less, or give the agent a larger disk");
  EXPECT_EQ(job_.log(), "begun\n");
}

TEST_F(OutputKeepingTest, A9_AWriteErrorEndsTheJobWithItsText) {
  if (const std::string why = test::WhyNoInjection(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_TRUE(job_.Launch("echo begun; read x < go; seq 1 100000; sleep 1000").ok());
  job_.UntilPrinted("begun\n");
  const auto errors = AttachedInjection::Attach(
      job_.key().pid,
      {.calls = "write", .action = "error=EIO", .when = "1+", .paths = {job_.dir() + "/log"}},
      job_.workspace() + "/strace");
  if (!errors.ok()) GTEST_SKIP() << errors.status();
  Go();
  const std::optional<ShimResult> result = job_.UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kDiskFull);
  EXPECT_THAT(result->detail, HasSubstr("Input/output error"));
  EXPECT_EQ(job_.log(), "begun\n");
  EXPECT_EQ(result->trace_bytes, 6U);
}

TEST_F(OutputKeepingTest, A9_ASyncThatFailsEndsTheJob) {
  if (const std::string why = test::WhyNoInjection(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_TRUE(job_.Launch("read x < go; while echo on; do sleep 0.1; done").ok());
  const auto errors = AttachedInjection::Attach(
      job_.key().pid, {.calls = "fdatasync", .action = "error=EIO", .when = "1+"},
      job_.workspace() + "/strace");
  if (!errors.ok()) GTEST_SKIP() << errors.status();
  Go();
  const std::optional<ShimResult> result = job_.UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kDiskFull);
}

TEST_F(OutputKeepingTest, A9_NothingIsLostWhenADiskIsFullForSomeWrites) {
  if (const std::string why = test::WhyNoInjection(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_TRUE(job_.Launch("echo begun; read x < go; seq 1 100000").ok());
  job_.UntilPrinted("begun\n");
  const auto errors = AttachedInjection::Attach(
      job_.key().pid,
      {.calls = "write", .action = "error=ENOSPC", .when = "1..2", .paths = {job_.dir() + "/log"}},
      job_.workspace() + "/strace");
  if (!errors.ok()) GTEST_SKIP() << errors.status();
  Go();
  const std::optional<ShimResult> result = job_.UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ((*errors)->Injected(), 2);
  EXPECT_EQ(result->reason, Reason::kExited) << result->detail;
  EXPECT_EQ(job_.log(), "begun\n" + Numbers(100000));
}

TEST_F(OutputKeepingTest, J5_OverItsLimitAJobFailsIfItsProjectSaysSo) {
  job_.run().trace_limit_bytes = 1000;
  job_.run().fail_at_trace_limit = true;
  job_.run().after_script = "echo never";
  const ShimResult result = job_.Finish("yes");
  EXPECT_EQ(result.reason, Reason::kTraceLimit);
  EXPECT_THAT(result.detail, HasSubstr("1000 bytes"));
  EXPECT_EQ(result.trace_bytes, 1000U);
  EXPECT_GT(result.dropped_bytes, 0U);
}

TEST_F(OutputKeepingTest, J5_AJobThatPrintsJustItsLimitDoesNotFail) {
  job_.run().trace_limit_bytes = 1000;
  job_.run().fail_at_trace_limit = true;
  const ShimResult result = job_.Finish("head -c 1000 /dev/zero");
  EXPECT_EQ(result.reason, Reason::kExited);
  EXPECT_EQ(result.dropped_bytes, 0U);
}

// Each blob is a write of its own, into a log with and without a masker in the way.
TEST_F(OutputKeepingTest, J4_J6_AThousandRandomBlobsArriveByteForByte) {
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same bytes each time
  std::string all;
  ASSERT_TRUE(os::MakeDirs(job_.workspace() + "/blobs").ok());
  for (int i = 1000; i < 2000; ++i) {
    std::string blob(random() % 6000, '\0');
    // Some of all bytes, some of few: lines, escapes, halves of characters come often.
    const unsigned kinds = i % 2 == 0 ? 256 : 1 + random() % 20;
    for (char& c : blob) c = static_cast<char>(random() % kinds * (i % 2 == 0 ? 1 : 13));
    ASSERT_TRUE(os::WriteFile(absl::StrCat(job_.workspace(), "/blobs/", i), blob).ok());
    all += blob;
  }
  const ShimResult result = job_.Finish("cat blobs/*");
  EXPECT_TRUE(job_.log() == all);
  EXPECT_EQ(result.trace_bytes, all.size());
  JobRun masked;
  masked.run().masks = {"correct-horse-battery"};
  masked.Finish(absl::StrCat("cat ", job_.workspace(), "/blobs/*"));
  EXPECT_TRUE(masked.log() == all);
}

// The folder of the job is a small disk of its own.
class FullSpoolTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kDiskBytes = 4 << 20;

  void SetUp() override {
    if (!test::EnterOwnMounts().ok()) GTEST_SKIP() << "needs root for a file system of its own";
    job_ = std::make_unique<JobRun>();
    absl::StatusOr<std::unique_ptr<test::SmallDisk>> disk =
        test::SmallDisk::Mount(job_->dir(), kDiskBytes);
    ASSERT_TRUE(disk.ok()) << disk.status();
    disk_ = *std::move(disk);
  }

  std::unique_ptr<JobRun> job_;
  std::unique_ptr<test::SmallDisk> disk_;  // goes first
};

TEST_F(FullSpoolTest, A8_AJobWaitsForSpaceAndLosesNothing) {
  ASSERT_EQ(mkfifo((job_->workspace() + "/go").c_str(), 0600), 0);
  ASSERT_TRUE(job_->Launch("echo begun; read x < go; seq 1 100000; exit 3").ok());
  job_->UntilPrinted("begun\n");
  {
    const test::Filler filler(job_->dir() + "/filler");
    ASSERT_TRUE(os::WriteFile(job_->workspace() + "/go", "go\n").ok());
    EXPECT_TRUE(Eventually([&] { return UnreadOutput(job_->key().pid) > 0; }));
    EXPECT_LT(job_->log().size(), 5000U);
  }
  const std::optional<ShimResult> result = job_->UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kExited) << result->detail;
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(job_->log(), "begun\n" + Numbers(100000));
}

TEST_F(FullSpoolTest, A8_WithoutAnAgentAJobFailsAfterItsPatience) {
  job_->run().disk_patience = absl::Seconds(1);
  ASSERT_EQ(mkfifo((job_->workspace() + "/go").c_str(), 0600), 0);
  ASSERT_TRUE(job_->Launch("echo begun; read x < go; seq 1 100000; echo > done").ok());
  job_->UntilPrinted("begun\n");
  const ProcessKey key = job_->key();
  job_->ForgetShim();
  const test::Filler filler(job_->dir() + "/filler");
  ASSERT_TRUE(os::WriteFile(job_->workspace() + "/go", "go\n").ok());
  ASSERT_TRUE(Eventually([&] { return os::Exists(job_->dir() + "/result"); }));
  EXPECT_GE(job_->elapsed(), absl::Seconds(1));
  const absl::StatusOr<ShimResult> result = ReadShimResult(job_->dir());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->reason, Reason::kDiskFull);
  EXPECT_THAT(result->detail, HasSubstr("No space left on device"));
  EXPECT_FALSE(os::Exists(job_->workspace() + "/done"));
}

// The whole output fits into the pipe and is read in one piece; only the disk is missing.
TEST_F(FullSpoolTest, A8_AResultWaitsForTheLastOutput) {
  ASSERT_EQ(mkfifo((job_->workspace() + "/go").c_str(), 0600), 0);
  ASSERT_TRUE(job_->Launch("echo begun; read x < go; seq 1 5000").ok());
  job_->UntilPrinted("begun\n");
  const ProcessKey key = job_->key();
  {
    const test::Filler filler(job_->dir() + "/filler");
    ASSERT_TRUE(os::WriteFile(job_->workspace() + "/go", "go\n").ok());
    // Its script has ended when the shim has closed the pipe.
    EXPECT_TRUE(Eventually([&] { return UnreadOutput(key.pid) == -1; }));
    EXPECT_FALSE(os::Exists(job_->dir() + "/result"));
  }
  const std::optional<ShimResult> result = job_->UntilEnd();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->reason, Reason::kExited) << result->detail;
  EXPECT_EQ(job_->log(), "begun\n" + Numbers(5000));
}

}  // namespace
}  // namespace grange::exec
