#include "tools/bench/measure/process_table.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::bench {
namespace {

constexpr absl::Duration kIdleFor = absl::Milliseconds(300);
constexpr absl::Duration kIdleWithin = absl::Minutes(1);

struct Process {
  pid_t parent = 0;
  pid_t group = 0;
  char state = '?';
  double cpu_seconds = 0;      // with that of the children it waited for
  double own_cpu_seconds = 0;  // without
};

absl::StatusOr<Process> ReadProcess(pid_t pid) {
  GRANGE_ASSIGN_OR_RETURN(const std::string stat,
                          os::ReadFile(absl::StrCat("/proc/", pid, "/stat")));
  // The name in parentheses may hold anything, also blanks and parentheses.
  const size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return absl::DataLossError("a stat file without a name");
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(name_end + 2), ' ');
  constexpr size_t kState = 0, kParent = 1, kGroup = 2, kFirstTime = 11, kLastOwnTime = 12,
                   kLastTime = 14;
  if (fields.size() <= kLastTime || fields[kState].empty()) {
    return absl::DataLossError("a stat file that is too short");
  }
  Process process;
  process.state = fields[kState][0];
  bool all = absl::SimpleAtoi(fields[kParent], &process.parent) &&
             absl::SimpleAtoi(fields[kGroup], &process.group);
  const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  for (size_t i = kFirstTime; i <= kLastTime; ++i) {
    int64_t ticks = 0;
    all = all && absl::SimpleAtoi(fields[i], &ticks);
    const double seconds = static_cast<double>(ticks) / ticks_per_second;
    process.cpu_seconds += seconds;
    if (i <= kLastOwnTime) process.own_cpu_seconds += seconds;
  }
  if (!all) return absl::DataLossError("a stat file with a field that is no number");
  return process;
}

std::map<pid_t, Process> ReadAll() {
  std::map<pid_t, Process> all;
  for (const std::string& name : os::ListDir("/proc").value_or(std::vector<std::string>())) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid)) continue;
    absl::StatusOr<Process> process = ReadProcess(pid);
    if (process.ok()) all.emplace(pid, *process);  // else it has ended in the meantime
  }
  return all;
}

double SumOfTree(const std::map<pid_t, Process>& all, pid_t root) {
  const auto found = all.find(root);
  if (found == all.end()) return 0;
  double sum = found->second.cpu_seconds;
  for (const auto& [pid, process] : all) {
    if (process.parent == root) sum += SumOfTree(all, pid);
  }
  return sum;
}

// The number after "<name>:" in a status file; 0 if there is none.
uint64_t StatusField(const std::string& status, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (!absl::ConsumePrefix(&line, name) || !absl::ConsumePrefix(&line, ":")) continue;
    absl::ConsumeSuffix(&line, "kB");
    uint64_t value = 0;
    return absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &value) ? value : 0;
  }
  return 0;
}

}  // namespace

absl::StatusOr<ProcessMemory> MemoryOf(pid_t pid) {
  GRANGE_ASSIGN_OR_RETURN(const std::string status,
                          os::ReadFile(absl::StrCat("/proc/", pid, "/status")));
  return ProcessMemory{.resident_bytes = StatusField(status, "VmRSS") << 10,
                       .anonymous_bytes = StatusField(status, "RssAnon") << 10,
                       .peak_bytes = StatusField(status, "VmHWM") << 10};
}

absl::StatusOr<uint64_t> ContextSwitchesOf(pid_t pid) {
  const std::string tasks = absl::StrCat("/proc/", pid, "/task");
  GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> threads, os::ListDir(tasks));
  uint64_t sum = 0;
  for (const std::string& thread : threads) {
    const absl::StatusOr<std::string> status =
        os::ReadFile(absl::StrCat(tasks, "/", thread, "/status"));
    if (!status.ok()) continue;  // a thread that has ended since
    sum += StatusField(*status, "voluntary_ctxt_switches") +
           StatusField(*status, "nonvoluntary_ctxt_switches");
  }
  return sum;
}

double CpuSecondsOfTree(pid_t pid) { return SumOfTree(ReadAll(), pid); }

double CpuSecondsOf(pid_t pid) {
  const absl::StatusOr<Process> process = ReadProcess(pid);
  return process.ok() ? process->own_cpu_seconds : 0;
}

absl::Status WaitUntilIdle(const std::vector<pid_t>& pids) {
  const absl::Time until = absl::Now() + kIdleWithin;
  const auto used = [&pids] {
    double seconds = 0;
    for (const pid_t pid : pids) seconds += CpuSecondsOfTree(pid);
    return seconds;
  };
  for (double before = used();;) {
    poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(kIdleFor)));
    const double after = used();
    // A heartbeat may fall in between: one tick of CPU time is idle.
    if (after - before < 0.015) return absl::OkStatus();
    if (absl::Now() > until) return absl::DeadlineExceededError("the farm does not become idle");
    before = after;
  }
}

std::vector<pid_t> MembersOfGroup(pid_t group) {
  std::vector<pid_t> members;
  for (const auto& [pid, process] : ReadAll()) {
    if (process.group == group && process.state != 'Z') members.push_back(pid);
  }
  return members;
}

void KillAllChildren() {
  while (true) {
    bool any = false;
    for (const auto& [pid, process] : ReadAll()) {
      if (process.parent != getpid()) continue;
      any = true;
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    if (!any) return;
  }
}

void BecomeSubreaper() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

}  // namespace grange::bench
