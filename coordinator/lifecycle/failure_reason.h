#ifndef GRANGE_COORDINATOR_LIFECYCLE_FAILURE_REASON_H_
#define GRANGE_COORDINATOR_LIFECYCLE_FAILURE_REASON_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::lifecycle {

// Why an attempt did not succeed. The names (FailureReasonName) are what people and scripts see
// as `failure_reason`; proto/grange/v1/model.proto has the same list for the wire.
enum class FailureReason {
  kNone,
  kScriptFailure,    // script_failure
  kTimeout,          // job_execution_timeout
  kCanceled,         // canceled
  kAgentLost,        // agent_lost
  kAgentForgot,      // agent_forgot
  kAgentCrash,       // agent_crash
  kHostRestart,      // host_restart
  kLeaseLost,        // lease_lost
  kAgentDiskFull,    // agent_disk_full
  kSupervisorDied,   // supervisor_died
  kSourcesFailed,    // sources_failed
  kArtifactsFailed,  // artifacts_failed
  kPrepareFailed,    // prepare_failed
  kTraceLimit,       // trace_limit
  kMemoryLimit,      // memory_limit
  kPidsLimit,        // pids_limit
  kAgentDrained,     // agent_drained
};

absl::string_view FailureReasonName(FailureReason reason);  // "" for kNone
absl::StatusOr<FailureReason> ParseFailureReason(absl::string_view name);

// One line for people: what happened and what to do, such as "no word from its agent for too
// long; retry it with 'grangectl retry-job'".
absl::string_view FailureReasonText(FailureReason reason);

// Counts as `runner_system_failure` in retry:when (the farm's fault, not the script's).
bool IsSystemFailure(FailureReason reason);

}  // namespace grange::lifecycle

#endif  // GRANGE_COORDINATOR_LIFECYCLE_FAILURE_REASON_H_
