#ifndef GRANGE_TOOLS_BENCH_MEASURE_PROCESS_TABLE_H_
#define GRANGE_TOOLS_BENCH_MEASURE_PROCESS_TABLE_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// What /proc says of processes. All of it is readable without privileges, also of a process that
// forbids core dumps.
namespace grange::bench {

struct ProcessMemory {
  uint64_t resident_bytes = 0;
  uint64_t anonymous_bytes = 0;
  uint64_t peak_bytes = 0;  // of the resident ones, since its start
};

// kNotFound if it has ended.
absl::StatusOr<ProcessMemory> MemoryOf(pid_t pid);

// How often its threads went to sleep or were sent to sleep, which is how often they woke.
absl::StatusOr<uint64_t> ContextSwitchesOf(pid_t pid);

// CPU time of the process, of the children that it has waited for, and of all of its living
// descendants; 0 if it has ended.
double CpuSecondsOfTree(pid_t pid);

// Waits until the trees of these processes have used no CPU time for a moment; kDeadlineExceeded
// after a minute.
absl::Status WaitUntilIdle(const std::vector<pid_t>& pids);

// CPU time of the process itself; 0 if it has ended.
double CpuSecondsOf(pid_t pid);

// All members of a process group that are alive (zombies are not).
std::vector<pid_t> MembersOfGroup(pid_t group);

// Kills this process's children until it has none; those of a child come to it in turn, as it is
// their subreaper (BecomeSubreaper()). Nobody else may be waiting for a child.
void KillAllChildren();
void BecomeSubreaper();

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_MEASURE_PROCESS_TABLE_H_
