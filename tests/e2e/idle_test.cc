// Push, not poll: idle programs sleep.
#include <cstdio>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr int kSeconds = 10;

// gRPC 1.51 keeps a timer list that looks for timers to come in windows of a second and four parts,
// and a second timer thread that wakes once a second: about six times a second as long as a
// connection with keepalive is open. We cannot turn that off; what is ours is counted apart.
bool IsTimerOfGrpc(const std::string& thread) {
  return absl::StartsWith(thread, "grpc_global_tim") || absl::StartsWith(thread, "timer_manager");
}

struct Wakeups {
  int ours = 0, grpc_timers = 0;
};

// Waits that returned in `kSeconds`: each wake-up of a thread is one.
Wakeups Count(Farm& farm, pid_t pid, const std::string& name) {
  const std::string out = absl::StrCat(farm.dir(), "/strace-", name);
  farm.RunProgram("/usr/bin/timeout",
                  {"--foreground", "-k", "5", "-s", "INT", absl::StrCat(kSeconds), "strace", "-f",
                   "-qq", "-p", absl::StrCat(pid), "-o", out, "-e",
                   "trace=epoll_wait,epoll_pwait,poll,ppoll,futex,clock_nanosleep,nanosleep,"
                   "select,pselect6"},
                  absl::Seconds(kSeconds + 20));
  Wakeups counted;
  for (const absl::string_view line :
       absl::StrSplit(os::ReadFile(out).value_or(""), '\n', absl::SkipEmpty())) {
    // A call that was under way when strace came and never returned is no wake-up; FUTEX_WAKE is
    // none either.
    if (absl::StrContains(line, "unfinished") || absl::StrContains(line, "FUTEX_WAKE")) continue;
    const std::string thread(line.substr(0, line.find(' ')));
    const std::string comm =
        os::ReadFile(absl::StrCat("/proc/", pid, "/task/", thread, "/comm")).value_or("");
    ++(IsTimerOfGrpc(comm) ? counted.grpc_timers : counted.ours);
  }
  EXPECT_TRUE(os::Exists(out)) << "strace did not run";
  return counted;
}

TEST(IdleTest, AnIdleFarmWakesAtMostTwiceASecondByItself) {
  if (!os::Exists("/usr/bin/strace")) GTEST_SKIP() << "needs strace";
  Farm farm;
  farm.AddAgent();
  // Once everything that a start sets off has settled: a pipeline has run and is over.
  const std::string repo = farm.MakeRepository("app", "job: {script: ['true']}\n");
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repo)), "success");

  const Wakeups coordinator = Count(farm, farm.coordinator().pid(), "coordinator");
  const Wakeups agent = Count(farm, farm.agent("agent-1").pid(), "agent");

  std::printf("wake-ups in %d s, ours + gRPC's timers: coordinator %d + %d, agent %d + %d\n",
              kSeconds, coordinator.ours, coordinator.grpc_timers, agent.ours, agent.grpc_timers);
  EXPECT_LE(coordinator.ours + agent.ours, 2 * kSeconds);
  EXPECT_LE(coordinator.grpc_timers, 10 * kSeconds);
  EXPECT_LE(agent.grpc_timers, 10 * kSeconds);
}

}  // namespace
}  // namespace grange::test
