#ifndef GRANGE_TOOLS_BENCH_CPU_METER_H_
#define GRANGE_TOOLS_BENCH_CPU_METER_H_

#include <sys/types.h>

#include <vector>

namespace grange::bench {

// Who used the machine's CPUs since the meter was made: we (this process, the children it waited
// for, and the trees of `roots`, which must stay alive) or others.
class CpuMeter {
 public:
  explicit CpuMeter(std::vector<pid_t> roots);

  struct Reading {
    double our_seconds = 0;
    double others_seconds = 0;    // with what the host of a virtual machine took away
    double capacity_seconds = 0;  // of all CPUs
  };
  Reading Read() const;

 private:
  struct Totals {
    double ours = 0, busy = 0, all = 0;
  };
  Totals Now() const;

  const std::vector<pid_t> roots_;
  const Totals start_;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_CPU_METER_H_
