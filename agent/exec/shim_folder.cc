// What an agent reads of a job's folder: docs/formats/job-folder.md.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/exec/shim_process.h"
#include "agent/shim/run_result.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::exec {
namespace {

constexpr uint64_t kFileBytesMax = 64 << 10;

ShimResult::Reason ToReason(shim::EndReason reason) {
  switch (reason) {
    case shim::EndReason::kExited:
      return ShimResult::Reason::kExited;
    case shim::EndReason::kTimeout:
      return ShimResult::Reason::kTimeout;
    case shim::EndReason::kCanceled:
      return ShimResult::Reason::kCanceled;
    case shim::EndReason::kLeaseLost:
      return ShimResult::Reason::kLeaseLost;
    case shim::EndReason::kPrepareFailed:
      return ShimResult::Reason::kPrepareFailed;
    case shim::EndReason::kDiskFull:
      return ShimResult::Reason::kDiskFull;
    case shim::EndReason::kTraceLimit:
      return ShimResult::Reason::kTraceLimit;
    case shim::EndReason::kMemoryLimit:
      return ShimResult::Reason::kMemoryLimit;
    case shim::EndReason::kPidsLimit:
      return ShimResult::Reason::kPidsLimit;
    case shim::EndReason::kAgentDrained:
      return ShimResult::Reason::kAgentDrained;
  }
  return ShimResult::Reason::kExited;
}

// nullopt if it is not the whole of what a shim writes at first.
std::optional<ProcessKey> ParseShimFile(absl::string_view text) {
  ProcessKey key;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "pid=") && !absl::SimpleAtoi(line, &key.pid))
      return std::nullopt;
    if (absl::ConsumePrefix(&line, "start=") && !absl::SimpleAtoi(line, &key.start_time)) {
      return std::nullopt;
    }
    if (absl::ConsumePrefix(&line, "boot=")) key.boot_id = std::string(line);
  }
  if (key.pid <= 0 || key.boot_id.empty() || text.back() != '\n') return std::nullopt;
  return key;
}

}  // namespace

absl::StatusOr<ShimResult> ReadShimResult(const std::string& job_dir) {
  const std::string path = os::JoinPath(job_dir, "result");
  const absl::StatusOr<std::string> text = os::ReadFile(path, kFileBytesMax);
  if (!text.ok()) return text.status();
  std::optional<shim::RunResult> result = shim::ParseRunResult(*text);
  if (!result) return absl::DataLossError(absl::StrCat("'", path, "' is not a whole result"));
  return ShimResult{.reason = ToReason(result->reason),
                    .exit_code = result->exit_code,
                    .signal = result->signal,
                    .trace_bytes = result->trace_bytes,
                    .dropped_bytes = result->dropped_bytes,
                    .duration = absl::Microseconds(result->duration_us),
                    .cpu = absl::Microseconds(result->cpu_us),
                    .max_rss_bytes = static_cast<int64_t>(result->max_rss_bytes),
                    .detail = std::move(result->detail)};
}

absl::StatusOr<ProcessKey> FindShim(const std::string& job_dir) {
  const std::string path = os::JoinPath(job_dir, "shim");
  // A shim makes this file before it starts anything, complete, and gives up if there is one. At
  // its end it is called `result`: so look for that last.
  const os::UniqueFd ours(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!ours.is_open() && errno != EEXIST) return os::ErrnoStatus(errno, "cannot look at", path);
  for (const std::string& file : {path, os::JoinPath(job_dir, "result")}) {
    const absl::StatusOr<std::string> text = os::ReadFile(file, kFileBytesMax);
    if (absl::IsNotFound(text.status())) continue;
    if (!text.ok()) return text.status();
    if (text->empty()) continue;  // made by this call or an earlier one
    std::optional<ProcessKey> key = ParseShimFile(*text);
    if (!key) return absl::DataLossError(absl::StrCat("'", file, "' is damaged"));
    return *std::move(key);
  }
  return absl::NotFoundError(absl::StrCat("no shim has taken over the job in '", job_dir, "'"));
}

absl::Duration StartedAt(const ProcessKey& key) {
  return absl::Seconds(static_cast<double>(key.start_time)) / sysconf(_SC_CLK_TCK);
}

std::string BootId() {
  const auto read = [] {
    const absl::StatusOr<std::string> text =
        os::ReadFile("/proc/sys/kernel/random/boot_id", kFileBytesMax);
    return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : std::string();
  };
  static const std::string known = read();  // it can't change while this process lives
  return known.empty() ? read() : known;
}

}  // namespace grange::exec
