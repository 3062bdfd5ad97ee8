#ifndef GRANGE_AGENT_SHIM_PROCESS_STAT_H_
#define GRANGE_AGENT_SHIM_PROCESS_STAT_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What /proc/<pid>/stat says of a process.
namespace grange::shim {

struct ProcessStat {
  pid_t pid = 0;
  std::string name;
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  uint64_t start_time = 0;  // with the pid it tells a process from a later one
};

// nullopt if `text` is not such a line. The name may hold any byte, brackets and spaces included.
std::optional<ProcessStat> ParseProcessStat(std::string_view text);
// nullopt if there is no such process.
std::optional<ProcessStat> ReadProcessStat(pid_t pid);
// All processes of the machine that this one may see.
std::vector<ProcessStat> ListProcesses();

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_PROCESS_STAT_H_
