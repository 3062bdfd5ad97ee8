#include "common/os/child.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_split.h"

namespace grange::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ChildOptions Shell(const std::string& script) {
  ChildOptions options;
  options.argv = {"sh", "-c", script};
  return options;
}

TEST(RunTest, GivesOutputAndExitStatus) {
  const absl::StatusOr<RunResult> result = os::Run(Shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->status.ToString(), "exit status 3");
  EXPECT_FALSE(result->status.ok());
}

TEST(RunTest, TellsASignalFromAnExit) {
  const absl::StatusOr<RunResult> result = os::Run(Shell("kill -9 $$"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->status.signal, SIGKILL);
  EXPECT_EQ(result->status.ToString(), "killed by signal 9");
}

TEST(RunTest, FeedsInputLargerThanAPipe) {
  ChildOptions options;
  options.argv = {"cat"};
  const std::string input(1 << 20, 'x');
  const absl::StatusOr<RunResult> result = os::Run(options, input);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, input);
}

TEST(RunTest, AProgramThatReadsNothingStillEnds) {
  signal(SIGPIPE, SIG_IGN);
  const absl::StatusOr<RunResult> result = os::Run(Shell("exit 0"), std::string(1 << 20, 'x'));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->status.ok());
}

TEST(RunTest, KeepsTheEndOfALongErrorText) {
  const absl::StatusOr<RunResult> result =
      os::Run(Shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo the reason >&2"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LE(result->err.size(), size_t{192} << 10);
  EXPECT_THAT(result->err, HasSubstr("the reason"));
}

TEST(RunTest, StopsAProgramThatPrintsTooMuch) {
  const absl::Status status = os::Run(Shell("exec yes"), {}, absl::Minutes(1), 1000).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST(RunTest, StopsAProgramThatTakesTooLong) {
  const absl::Status status = os::Run(Shell("sleep 1000"), {}, absl::Milliseconds(50)).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("'sh'"));
}

TEST(RunTest, TheDeadlineHoldsForAProgramThatClosedItsOutputToo) {
  const absl::Status status =
      os::Run(Shell("exec >&- 2>&-; exec sleep 1000"), {}, absl::Milliseconds(50)).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

TEST(RunTest, GivesOnlyTheEnvironmentAndFolderThatWereAskedFor) {
  ChildOptions options;
  options.argv = {"/bin/sh", "-c", "echo $ONE [$HOME]; pwd"};
  options.env = {"ONE=1"};
  options.cwd = "/";
  EXPECT_EQ(os::Run(options)->out, "1 []\n/\n");
}

TEST(RunTest, HandsOverDescriptorsAndNoOthers) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  ChildOptions options = Shell("ls /proc/self/fd");
  const std::string without = os::Run(options)->out;
  options = Shell("echo hello > /proc/self/fd/57; ls /proc/self/fd");
  options.inherit = {{write_end.get(), 57}};

  const absl::StatusOr<RunResult> result = os::Run(options);

  ASSERT_TRUE(result.ok()) << result.status();
  write_end.Reset();
  char text[16] = {};
  EXPECT_EQ(read(read_end.get(), text, sizeof text), 6);
  std::vector<std::string> added = absl::StrSplit(result->out, '\n');
  const std::vector<std::string> before = absl::StrSplit(without, '\n');
  std::erase_if(added, [&](const std::string& fd) { return absl::c_linear_search(before, fd); });
  EXPECT_THAT(added, ElementsAre("57"));
}

TEST(ChildTest, SaysWhichProgramCannotBeStarted) {
  ChildOptions options;
  options.argv = {"no-such-program-of-grange"};
  const absl::Status status = Child::Start(options).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("'no-such-program-of-grange'"));
  EXPECT_TRUE(absl::IsInvalidArgument(Child::Start({}).status()));
}

TEST(ChildTest, ItsDescriptorTellsOfItsEnd) {
  absl::StatusOr<Child> child = Child::Start(Shell("exit 4"));
  ASSERT_TRUE(child.ok()) << child.status();
  pollfd wait{child->pidfd(), POLLIN, 0};
  ASSERT_EQ(poll(&wait, 1, 30'000), 1);
  const std::optional<ExitStatus> status = child->TryWait();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->exit_code, 4);
}

TEST(ChildTest, TryWaitOfARunningOneSaysNothing) {
  absl::StatusOr<Child> child = Child::Start(Shell("sleep 1000"));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_FALSE(child->TryWait().has_value());
  child->Kill(SIGTERM);
  EXPECT_EQ(child->Wait().signal, SIGTERM);
}

TEST(ChildTest, ItsWholeGroupGoesWithIt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  {
    ChildOptions options = Shell("sleep 1000 & echo up; wait");
    options.stdout_fd = write_end.get();
    const absl::StatusOr<Child> child = Child::Start(options);
    ASSERT_TRUE(child.ok()) << child.status();
    write_end.Reset();
    char text[8] = {};
    ASSERT_EQ(read(read_end.get(), text, sizeof text), 3);
  }
  // The pipe ends only when everybody who has it is gone.
  pollfd wait{read_end.get(), POLLIN, 0};
  ASSERT_EQ(poll(&wait, 1, 30'000), 1);
  char byte = 0;
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

TEST(ChildTest, StartsWithDefaultSignalsAndAnEmptyMask) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t usr1, before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
  // A shell leaves a signal alone that was ignored at its start.
  const absl::StatusOr<RunResult> result =
      os::Run(Shell("(kill -PIPE $(exec sh -c 'echo $PPID'); echo ignored); kill -USR1 $$"));
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "");
  EXPECT_EQ(result->status.signal, SIGUSR1);
}

TEST(ChildTest, ADetachedOneGoesOn) {
  pid_t pid = -1;
  {
    absl::StatusOr<Child> child = Child::Start(Shell("exec sleep 1000"));
    ASSERT_TRUE(child.ok()) << child.status();
    pid = child->pid();
    child->Detach();
  }
  EXPECT_EQ(kill(pid, 0), 0);
  kill(pid, SIGKILL);
}

}  // namespace
}  // namespace grange::os
