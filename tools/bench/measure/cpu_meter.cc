#include "tools/bench/measure/cpu_meter.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "tools/bench/measure/process_table.h"

namespace grange::bench {
namespace {

double SecondsOf(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

CpuMeter::CpuMeter(const std::vector<pid_t>& roots) : start_(Now(roots)) {}

CpuMeter::Reading CpuMeter::Read(const std::vector<pid_t>& roots) const {
  const Totals now = Now(roots);
  Reading reading;
  reading.our_seconds = now.ours - start_.ours;
  // Clocks of different grain: a little below 0 is 0.
  reading.others_seconds = std::max(0.0, now.busy - start_.busy - reading.our_seconds);
  reading.capacity_seconds = now.all - start_.all;
  return reading;
}

CpuMeter::Totals CpuMeter::Now(const std::vector<pid_t>& roots) {
  Totals totals;
  totals.ours = SecondsOf(RUSAGE_SELF) + SecondsOf(RUSAGE_CHILDREN);
  for (const pid_t root : roots) totals.ours += CpuSecondsOfTree(root);
  // "cpu  user nice system idle iowait irq softirq steal …", in ticks.
  const std::string stat = os::ReadFile("/proc/stat").value_or("");
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(0, stat.find('\n')), ' ', absl::SkipEmpty());
  constexpr size_t kIdle = 4, kIoWait = 5, kSteal = 8;
  const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  for (size_t i = 1; i < fields.size() && i <= kSteal; ++i) {
    int64_t ticks = 0;
    if (!absl::SimpleAtoi(fields[i], &ticks)) continue;
    const double seconds = static_cast<double>(ticks) / ticks_per_second;
    totals.all += seconds;
    if (i != kIdle && i != kIoWait) totals.busy += seconds;
  }
  return totals;
}

}  // namespace grange::bench
