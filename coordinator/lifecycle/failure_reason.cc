#include "coordinator/lifecycle/failure_reason.h"

#include "absl/strings/str_cat.h"

namespace grange::lifecycle {
namespace {

constexpr FailureReason kAllReasons[] = {
    FailureReason::kNone,
    FailureReason::kScriptFailure,
    FailureReason::kTimeout,
    FailureReason::kCanceled,
    FailureReason::kAgentLost,
    FailureReason::kAgentForgot,
    FailureReason::kAgentCrash,
    FailureReason::kHostRestart,
    FailureReason::kLeaseLost,
    FailureReason::kAgentDiskFull,
    FailureReason::kSupervisorDied,
    FailureReason::kSourcesFailed,
    FailureReason::kArtifactsFailed,
    FailureReason::kPrepareFailed,
    FailureReason::kTraceLimit,
    FailureReason::kMemoryLimit,
    FailureReason::kPidsLimit,
    FailureReason::kAgentDrained,
};

}  // namespace

absl::string_view FailureReasonName(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNone:
      return "";
    case FailureReason::kScriptFailure:
      return "script_failure";
    case FailureReason::kTimeout:
      return "job_execution_timeout";
    case FailureReason::kCanceled:
      return "canceled";
    case FailureReason::kAgentLost:
      return "agent_lost";
    case FailureReason::kAgentForgot:
      return "agent_forgot";
    case FailureReason::kAgentCrash:
      return "agent_crash";
    case FailureReason::kHostRestart:
      return "host_restart";
    case FailureReason::kLeaseLost:
      return "lease_lost";
    case FailureReason::kAgentDiskFull:
      return "agent_disk_full";
    case FailureReason::kSupervisorDied:
      return "supervisor_died";
    case FailureReason::kSourcesFailed:
      return "sources_failed";
    case FailureReason::kArtifactsFailed:
      return "artifacts_failed";
    case FailureReason::kPrepareFailed:
      return "prepare_failed";
    case FailureReason::kTraceLimit:
      return "trace_limit";
    case FailureReason::kMemoryLimit:
      return "memory_limit";
    case FailureReason::kPidsLimit:
      return "pids_limit";
    case FailureReason::kAgentDrained:
      return "agent_drained";
  }
  return "";
}

absl::StatusOr<FailureReason> ParseFailureReason(absl::string_view name) {
  for (const FailureReason reason : kAllReasons) {
    if (FailureReasonName(reason) == name) return reason;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no failure reason"));
}

absl::string_view FailureReasonText(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNone:
      return "";
    case FailureReason::kScriptFailure:
      return "its script failed; 'grangectl logs' shows which command";
    case FailureReason::kTimeout:
      return "it ran longer than its timeout; raise `timeout` or make it faster";
    case FailureReason::kCanceled:
      return "somebody canceled it; run it again with 'grangectl retry-job'";
    case FailureReason::kAgentLost:
      return "no word from its agent for too long; check the agent's machine, then run it again "
             "with 'grangectl retry-job'";
    case FailureReason::kAgentForgot:
      return "its agent came back without knowing of it, so its state directory was lost; run it "
             "again with 'grangectl retry-job'";
    case FailureReason::kAgentCrash:
      return "its agent crashed while starting it; run it again with 'grangectl retry-job'";
    case FailureReason::kHostRestart:
      return "its agent's machine was restarted; run it again with 'grangectl retry-job'";
    case FailureReason::kLeaseLost:
      return "its agent was cut off from the coordinator and `on_disconnect: stop` ended it; run "
             "it again with 'grangectl retry-job'";
    case FailureReason::kAgentDiskFull:
      return "its agent's disk was full; make room there, then run it again with 'grangectl "
             "retry-job'";
    case FailureReason::kSupervisorDied:
      return "the process that watches over the job was killed; look for an out-of-memory kill on "
             "the agent's machine";
    case FailureReason::kSourcesFailed:
      return "its sources could not be fetched; the end of its log says why";
    case FailureReason::kArtifactsFailed:
      return "its artifacts could not be fetched or stored; the end of its log says why";
    case FailureReason::kPrepareFailed:
      return "its shell could not be started; the end of its log says why";
    case FailureReason::kTraceLimit:
      return "it printed more than its trace limit; print less or raise the limit";
    case FailureReason::kMemoryLimit:
      return "it used more memory than it may; raise `GRANGE_MEMORY_LIMIT`, up to the agent's "
             "--memory-limit, or make it use less";
    case FailureReason::kPidsLimit:
      return "it had more processes and threads at once than it may; raise `GRANGE_PIDS_LIMIT`, up "
             "to the agent's --pids-limit, or make it start fewer";
    case FailureReason::kAgentDrained:
      return "it still ran at the deadline of its agent's drain; run it again with 'grangectl "
             "retry-job', on another agent or once this one is resumed";
  }
  return "";
}

bool IsSystemFailure(FailureReason reason) {
  switch (reason) {
    case FailureReason::kAgentLost:
    case FailureReason::kAgentForgot:
    case FailureReason::kAgentCrash:
    case FailureReason::kHostRestart:
    case FailureReason::kLeaseLost:
    case FailureReason::kAgentDiskFull:
    case FailureReason::kSupervisorDied:
    case FailureReason::kSourcesFailed:
    case FailureReason::kArtifactsFailed:
    case FailureReason::kPrepareFailed:
    case FailureReason::kAgentDrained:
      return true;
    case FailureReason::kNone:
    case FailureReason::kScriptFailure:
    case FailureReason::kTimeout:
    case FailureReason::kCanceled:
    case FailureReason::kTraceLimit:
    case FailureReason::kMemoryLimit:
    case FailureReason::kPidsLimit:
      return false;
  }
  return false;
}

}  // namespace grange::lifecycle
