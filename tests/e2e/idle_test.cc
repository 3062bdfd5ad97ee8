// Push, not poll: idle programs sleep.
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr int kSeconds = 10;

// Waits that returned in `kSeconds`, by thread: each wake-up of a thread is one.
std::map<std::string, int> CountWakeups(Farm& farm, pid_t pid, const std::string& name) {
  const std::string out = absl::StrCat(farm.dir(), "/strace-", name);
  farm.RunProgram("/usr/bin/timeout",
                  {"--foreground", "-k", "5", "-s", "INT", absl::StrCat(kSeconds), "strace", "-f",
                   "-qq", "-p", absl::StrCat(pid), "-o", out, "-e",
                   "trace=epoll_wait,epoll_pwait,poll,ppoll,futex,clock_nanosleep,nanosleep,"
                   "select,pselect6"},
                  absl::Seconds(kSeconds + 20));
  EXPECT_TRUE(os::Exists(out)) << "strace did not run";
  std::map<std::string, int> counted;
  for (const absl::string_view line :
       absl::StrSplit(os::ReadFile(out).value_or(""), '\n', absl::SkipEmpty())) {
    // A call that was under way when strace came and never returned is no wake-up; FUTEX_WAKE is
    // none either.
    if (absl::StrContains(line, "unfinished") || absl::StrContains(line, "FUTEX_WAKE")) continue;
    const std::string thread(line.substr(0, line.find(' ')));
    const std::string comm =
        os::ReadFile(absl::StrCat("/proc/", pid, "/task/", thread, "/comm")).value_or("");
    ++counted[absl::StrCat(name, " ", thread, " ", absl::StripAsciiWhitespace(comm))];
  }
  return counted;
}

TEST(IdleTest, AnIdleProgramWakesAtMostTwiceASecond) {
  if (!os::Exists("/usr/bin/strace")) GTEST_SKIP() << "needs strace";
  Farm farm;
  farm.AddAgent();
  // Once everything that a start sets off has settled: a pipeline has run and is over.
  const std::string repo = farm.MakeRepository("app", "job: {script: ['true']}\n");
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repo)), "success");

  for (const auto& [name, pid] : {std::pair{"coordinator", farm.coordinator().pid()},
                                  std::pair{"agent", farm.agent("agent-1").pid()}}) {
    int sum = 0;
    for (const auto& [thread, count] : CountWakeups(farm, pid, name)) {
      std::printf("%s: %d in %d s\n", thread.c_str(), count, kSeconds);
      sum += count;
    }
    EXPECT_LE(sum, 2 * kSeconds) << name;
  }
}

}  // namespace
}  // namespace grange::test
