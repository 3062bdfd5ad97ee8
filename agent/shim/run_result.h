#ifndef GRANGE_AGENT_SHIM_RUN_RESULT_H_
#define GRANGE_AGENT_SHIM_RUN_RESULT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What a shim leaves in the file `result`: docs/formats/job-folder.md.
namespace grange::shim {

enum class EndReason {
  kExited,
  kTimeout,
  kCanceled,
  kLeaseLost,
  kPrepareFailed,
  kDiskFull,
  kTraceLimit,
  kMemoryLimit,
  kPidsLimit,
  kAgentDrained,
};

struct RunResult {
  EndReason reason = EndReason::kExited;
  int exit_code = 0;
  int signal = 0;
  uint64_t trace_bytes = 0;
  uint64_t dropped_bytes = 0;
  uint64_t duration_us = 0;
  uint64_t cpu_us = 0;
  uint64_t max_rss_bytes = 0;
  std::string detail;  // one line; control characters become spaces in the file

  friend bool operator==(const RunResult&, const RunResult&) = default;
};

std::string FormatRunResult(const RunResult& result);
// nullopt if the text is not the whole of a result. Keys that this version does not know are
// passed over.
std::optional<RunResult> ParseRunResult(std::string_view text);

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_RUN_RESULT_H_
