#ifndef GRANGE_TOOLS_BENCH_MEASURE_CPU_METER_H_
#define GRANGE_TOOLS_BENCH_MEASURE_CPU_METER_H_

#include <sys/types.h>

#include <vector>

namespace grange::bench {

// Who used the machine's CPUs since the meter was made: we (this process, the children it waited
// for, and the trees of `roots`) or others. A root that has ended must have been waited for.
class CpuMeter {
 public:
  explicit CpuMeter(const std::vector<pid_t>& roots);

  struct Reading {
    double our_seconds = 0;
    double others_seconds = 0;    // with what the host of a virtual machine took away
    double capacity_seconds = 0;  // of all CPUs
  };
  // `roots` as they are now: a program may have been started again.
  Reading Read(const std::vector<pid_t>& roots) const;

 private:
  struct Totals {
    double ours = 0, busy = 0, all = 0;
  };
  static Totals Now(const std::vector<pid_t>& roots);

  const Totals start_;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_MEASURE_CPU_METER_H_
