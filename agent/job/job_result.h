#ifndef GRANGE_AGENT_JOB_JOB_RESULT_H_
#define GRANGE_AGENT_JOB_JOB_RESULT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/exec/shim_process.h"

namespace grange::job {

// Why an attempt ended; those of proto/grange/v1/model.proto that an agent can find.
enum class EndReason {
  kSuccess,
  kScriptFailure,
  kTimeout,
  kCanceled,
  kAgentCrash,
  kHostRestart,
  kLeaseLost,
  kAgentDiskFull,
  kSupervisorDied,
  kSourcesFailed,
  kArtifactsFailed,
  kPrepareFailed,
  kTraceLimit,
  kMemoryLimit,
  kPidsLimit,
  kAgentDrained,
};

// The end of an attempt, as the coordinator will store it.
struct JobResult {
  EndReason reason = EndReason::kSuccess;
  int exit_code = 0;
  int signal = 0;
  uint64_t trace_bytes = 0;
  std::string trace_sha256;  // 32 bytes
  uint64_t dropped_bytes = 0;
  absl::Duration duration = absl::ZeroDuration();
  absl::Duration cpu = absl::ZeroDuration();
  int64_t max_rss_bytes = 0;
  std::string detail;          // one line for people, with the next step
  std::string artifact_id;     // "": none stored
  std::string artifact_error;  // why artifacts that were wanted are not there

  friend bool operator==(const JobResult&, const JobResult&) = default;
};

// What a shim found out, in these words.
JobResult ResultOf(const exec::ShimResult& shim);
// An end without a script's exit status.
JobResult ResultOf(EndReason reason, absl::string_view detail);

// The text of a result in the journal (docs/formats/agent-journal.md), and back. kDataLoss for
// text that is none.
std::string EncodeResult(const JobResult& result);
absl::StatusOr<JobResult> DecodeResult(absl::string_view text);

absl::string_view EndReasonName(EndReason reason);

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_JOB_RESULT_H_
