// Push, not poll: idle programs sleep.
#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr int kSeconds = 20;

// Calls that return in `kSeconds`, other than those that the watching itself causes: each wake-up
// of a thread is at least one.
int Wakeups(Farm& farm, pid_t pid, const std::string& name) {
  const std::string out = absl::StrCat(farm.dir(), "/strace-", name);
  const CtlResult traced = farm.RunProgram("/usr/bin/timeout",
                                           {"-s", "INT", absl::StrCat(kSeconds), "strace", "-f",
                                            "-qq", "-p", absl::StrCat(pid), "-o", out, "-e",
                                            "trace=epoll_wait,epoll_pwait,poll,ppoll,futex,"
                                            "clock_nanosleep,nanosleep,select,pselect6"},
                                           absl::Seconds(kSeconds + 20));
  int wakeups = 0;
  for (const absl::string_view line :
       absl::StrSplit(os::ReadFile(out).value_or(""), '\n', absl::SkipEmpty())) {
    // A call that was under way when strace came and never returned is no wake-up; FUTEX_WAKE is
    // none either.
    if (absl::StrContains(line, "unfinished") || absl::StrContains(line, "FUTEX_WAKE")) continue;
    ++wakeups;
  }
  return wakeups;
}

TEST(IdleTest, AnIdleFarmWakesAtMostTwiceASecondInAllProcesses) {
  if (!os::Exists("/usr/bin/strace")) GTEST_SKIP() << "needs strace";
  Farm farm;
  farm.AddAgent();
  // Once everything that a start sets off has settled: a pipeline has run and is over.
  const std::string repo = farm.MakeRepository("app", "job: {script: ['true']}\n");
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repo)), "success");

  const int coordinator = Wakeups(farm, farm.coordinator().pid(), "coordinator");
  const int agent = Wakeups(farm, farm.agent("agent-1").pid(), "agent");

  std::printf("wake-ups in %d s: coordinator %d, agent %d\n", kSeconds, coordinator, agent);
  EXPECT_LE(coordinator + agent, 2 * kSeconds);
}

}  // namespace
}  // namespace grange::test
