#include "agent/job/job_result.h"

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace grange::job {
namespace {

constexpr std::array<EndReason, 16> kReasons = {
    EndReason::kSuccess,       EndReason::kScriptFailure,   EndReason::kTimeout,
    EndReason::kCanceled,      EndReason::kAgentCrash,      EndReason::kHostRestart,
    EndReason::kLeaseLost,     EndReason::kAgentDiskFull,   EndReason::kSupervisorDied,
    EndReason::kSourcesFailed, EndReason::kArtifactsFailed, EndReason::kPrepareFailed,
    EndReason::kTraceLimit,    EndReason::kMemoryLimit,     EndReason::kPidsLimit,
    EndReason::kAgentDrained};

EndReason ReasonOf(const exec::ShimResult& shim) {
  using Reason = exec::ShimResult::Reason;
  switch (shim.reason) {
    case Reason::kExited:
      return shim.exit_code == 0 && shim.signal == 0 ? EndReason::kSuccess
                                                     : EndReason::kScriptFailure;
    case Reason::kTimeout:
      return EndReason::kTimeout;
    case Reason::kCanceled:
      return EndReason::kCanceled;
    case Reason::kLeaseLost:
      return EndReason::kLeaseLost;
    case Reason::kPrepareFailed:
      return EndReason::kPrepareFailed;
    case Reason::kDiskFull:
      return EndReason::kAgentDiskFull;
    case Reason::kTraceLimit:
      return EndReason::kTraceLimit;
    case Reason::kMemoryLimit:
      return EndReason::kMemoryLimit;
    case Reason::kPidsLimit:
      return EndReason::kPidsLimit;
    case Reason::kAgentDrained:
      return EndReason::kAgentDrained;
  }
  return EndReason::kSupervisorDied;
}

}  // namespace

absl::string_view EndReasonName(EndReason reason) {
  switch (reason) {
    case EndReason::kSuccess:
      return "success";
    case EndReason::kScriptFailure:
      return "script_failure";
    case EndReason::kTimeout:
      return "timeout";
    case EndReason::kCanceled:
      return "canceled";
    case EndReason::kAgentCrash:
      return "agent_crash";
    case EndReason::kHostRestart:
      return "host_restart";
    case EndReason::kLeaseLost:
      return "lease_lost";
    case EndReason::kAgentDiskFull:
      return "agent_disk_full";
    case EndReason::kSupervisorDied:
      return "supervisor_died";
    case EndReason::kSourcesFailed:
      return "sources_failed";
    case EndReason::kArtifactsFailed:
      return "artifacts_failed";
    case EndReason::kPrepareFailed:
      return "prepare_failed";
    case EndReason::kTraceLimit:
      return "trace_limit";
    case EndReason::kMemoryLimit:
      return "memory_limit";
    case EndReason::kPidsLimit:
      return "pids_limit";
    case EndReason::kAgentDrained:
      return "agent_drained";
  }
  return "unknown";
}

JobResult ResultOf(const exec::ShimResult& shim) {
  return {.reason = ReasonOf(shim),
          .exit_code = shim.exit_code,
          .signal = shim.signal,
          .trace_bytes = shim.trace_bytes,
          .trace_sha256 = "",
          .dropped_bytes = shim.dropped_bytes,
          .duration = shim.duration,
          .cpu = shim.cpu,
          .max_rss_bytes = shim.max_rss_bytes,
          .detail = shim.detail,
          .artifact_id = "",
          .artifact_error = ""};
}

JobResult ResultOf(EndReason reason, absl::string_view detail) {
  JobResult result;
  result.reason = reason;
  result.detail = std::string(detail);
  return result;
}

std::string EncodeResult(const JobResult& result) {
  nlohmann::json json = {{"reason", std::string(EndReasonName(result.reason))},
                         {"exit_code", result.exit_code},
                         {"signal", result.signal},
                         {"trace_bytes", result.trace_bytes},
                         {"trace_sha256", absl::BytesToHexString(result.trace_sha256)},
                         {"dropped_bytes", result.dropped_bytes},
                         {"duration_us", absl::ToInt64Microseconds(result.duration)},
                         {"cpu_us", absl::ToInt64Microseconds(result.cpu)},
                         {"max_rss_bytes", result.max_rss_bytes},
                         {"detail", result.detail},
                         {"artifact_id", result.artifact_id},
                         {"artifact_error", result.artifact_error}};
  // Text of other programs may not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<JobResult> DecodeResult(absl::string_view text) {
  const nlohmann::json json =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::DataLossError("a result in the journal is no JSON");
  try {
    JobResult result;
    const std::string reason = json.at("reason");
    bool known = false;
    for (const EndReason candidate : kReasons) {
      if (EndReasonName(candidate) != reason) continue;
      result.reason = candidate;
      known = true;
    }
    if (!known) {
      return absl::DataLossError(absl::StrCat("a result has the unknown reason '", reason, "'"));
    }
    result.exit_code = json.at("exit_code");
    result.signal = json.at("signal");
    result.trace_bytes = json.at("trace_bytes");
    result.trace_sha256 = absl::HexStringToBytes(json.at("trace_sha256").get<std::string>());
    result.dropped_bytes = json.at("dropped_bytes");
    result.duration = absl::Microseconds(json.at("duration_us").get<int64_t>());
    result.cpu = absl::Microseconds(json.at("cpu_us").get<int64_t>());
    result.max_rss_bytes = json.at("max_rss_bytes");
    result.detail = json.at("detail");
    result.artifact_id = json.at("artifact_id");
    result.artifact_error = json.at("artifact_error");
    return result;
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(absl::StrCat("a result in the journal is damaged: ", e.what()));
  }
}

}  // namespace grange::job
