#include "agent/session/codec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/workspace/git_mirrors.h"
#include "common/base/status_macros.h"

namespace grange::session {
namespace {

constexpr int64_t kIdMax = int64_t{1} << 53;
constexpr size_t kTextMax = 2000;

absl::StatusOr<workspace::Sources> FromProto(const v1::SourceSpec& message) {
  using Strategy = workspace::Sources::Strategy;
  workspace::Sources sources;
  sources.project = ProjectId(message.project_id());
  sources.project_name = message.project();
  sources.sha = message.sha();
  sources.ref_name = message.ref_name();
  sources.is_tag = message.is_tag();
  sources.depth = message.depth();
  switch (message.strategy()) {
    case v1::SourceSpec::STRATEGY_CLONE:
      sources.strategy = Strategy::kClone;
      break;
    case v1::SourceSpec::STRATEGY_FETCH:
      sources.strategy = Strategy::kFetch;
      break;
    case v1::SourceSpec::STRATEGY_NONE:
      sources.strategy = Strategy::kNone;
      break;
    default:
      return absl::InvalidArgumentError("the agent doesn't know this GIT_STRATEGY; upgrade it");
  }
  if (sources.strategy != Strategy::kNone && !workspace::IsCommitId(sources.sha)) {
    return absl::InvalidArgumentError("the job has no valid commit");
  }
  if (sources.depth < 0 || message.project_id() < 0) {
    return absl::InvalidArgumentError("the job's sources are not valid");
  }
  return sources;
}

absl::StatusOr<job::ArtifactOutput> FromProto(const v1::ArtifactSpec& message) {
  using When = job::ArtifactOutput::When;
  job::ArtifactOutput output;
  output.paths.assign(message.paths().begin(), message.paths().end());
  output.exclude.assign(message.exclude().begin(), message.exclude().end());
  output.name = message.name();
  switch (message.when()) {
    case v1::ArtifactSpec::WHEN_ON_SUCCESS:
    case v1::ArtifactSpec::WHEN_UNSPECIFIED:  // the message is absent: no artifacts
      output.when = When::kOnSuccess;
      return output;
    case v1::ArtifactSpec::WHEN_ON_FAILURE:
      output.when = When::kOnFailure;
      return output;
    case v1::ArtifactSpec::WHEN_ALWAYS:
      output.when = When::kAlways;
      return output;
    default:
      return absl::InvalidArgumentError("the agent doesn't know this artifacts:when; upgrade it");
  }
}

// A job without a limit of its own must have one all the same.
absl::Duration Limit(int64_t millis, absl::Duration otherwise) {
  return millis > 0 ? absl::Milliseconds(std::min<int64_t>(millis, int64_t{1} << 40)) : otherwise;
}

v1::FailureReason ToProto(job::EndReason reason) {
  switch (reason) {
    case job::EndReason::kSuccess:
      return v1::FAILURE_REASON_NONE;
    case job::EndReason::kScriptFailure:
      return v1::FAILURE_REASON_SCRIPT_FAILURE;
    case job::EndReason::kTimeout:
      return v1::FAILURE_REASON_TIMEOUT;
    case job::EndReason::kCanceled:
      return v1::FAILURE_REASON_CANCELED;
    case job::EndReason::kAgentCrash:
      return v1::FAILURE_REASON_AGENT_CRASH;
    case job::EndReason::kHostRestart:
      return v1::FAILURE_REASON_HOST_RESTART;
    case job::EndReason::kLeaseLost:
      return v1::FAILURE_REASON_LEASE_LOST;
    case job::EndReason::kAgentDiskFull:
      return v1::FAILURE_REASON_AGENT_DISK_FULL;
    case job::EndReason::kSupervisorDied:
      return v1::FAILURE_REASON_SUPERVISOR_DIED;
    case job::EndReason::kSourcesFailed:
      return v1::FAILURE_REASON_SOURCES_FAILED;
    case job::EndReason::kArtifactsFailed:
      return v1::FAILURE_REASON_ARTIFACTS_FAILED;
    case job::EndReason::kPrepareFailed:
      return v1::FAILURE_REASON_PREPARE_FAILED;
    case job::EndReason::kTraceLimit:
      return v1::FAILURE_REASON_TRACE_LIMIT;
    case job::EndReason::kMemoryLimit:
      return v1::FAILURE_REASON_MEMORY_LIMIT;
    case job::EndReason::kPidsLimit:
      return v1::FAILURE_REASON_PIDS_LIMIT;
    case job::EndReason::kAgentDrained:
      return v1::FAILURE_REASON_AGENT_DRAINED;
  }
  return v1::FAILURE_REASON_UNSPECIFIED;
}

// Length of the UTF-8 character at the front of `text`, 0 if there is no valid one.
size_t CharacterLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xc2 && first < 0xe0   ? 2
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, beyond the last code point.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) ||
      (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) {
    return 0;
  }
  return length;
}

}  // namespace

std::string ToUtf8(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else {
      out.append(text.data(), length);
      text.remove_prefix(length);
    }
  }
  return out;
}

absl::StatusOr<Assignment> FromProto(const v1::Assignment& message) {
  if (message.job_id() <= 0 || message.job_id() > kIdMax || message.attempt() <= 0 ||
      message.fence() == 0) {
    return absl::InvalidArgumentError("a message about a job has no valid assignment");
  }
  return Assignment{JobId(message.job_id()), message.attempt(), Fence{message.fence()}};
}

void ToProto(const Assignment& assignment, v1::Assignment* message) {
  message->set_job_id(assignment.job.value());
  message->set_attempt(assignment.attempt);
  message->set_fence(FenceValue(assignment.fence));
}

absl::StatusOr<job::JobSpec> DecodeJobSpec(absl::string_view bytes) {
  v1::JobSpec message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("the job's description can't be read");
  }
  job::JobSpec spec;
  spec.project = message.project();
  spec.pipeline = PipelineId(message.pipeline_id());
  spec.name = message.name();
  spec.stage = message.stage();
  spec.script.assign(message.script().begin(), message.script().end());
  spec.after_script.assign(message.after_script().begin(), message.after_script().end());
  for (const v1::Variable& variable : message.variables()) {
    spec.variables.push_back({variable.name(), variable.value(), variable.file(), variable.raw()});
  }
  GRANGE_ASSIGN_OR_RETURN(spec.sources, FromProto(message.source()));
  if (spec.sources.project_name.empty()) spec.sources.project_name = spec.project;
  for (const v1::ArtifactSource& source : message.artifacts_in()) {
    spec.artifacts_in.push_back(
        {source.job_name(), source.artifact_id(), source.size(), source.sha256()});
  }
  GRANGE_ASSIGN_OR_RETURN(spec.artifacts_out, FromProto(message.artifacts_out()));
  spec.timeout = Limit(message.timeout_ms(), absl::Hours(1));
  spec.after_script_timeout = Limit(message.after_script_timeout_ms(), absl::Minutes(5));
  if (message.trace_limit_bytes() > 0) spec.trace_limit_bytes = message.trace_limit_bytes();
  spec.fail_at_trace_limit = message.fail_at_trace_limit();
  spec.stop_on_disconnect = message.on_disconnect() == v1::ON_DISCONNECT_STOP;
  spec.limits = {.memory_bytes = message.memory_limit_bytes(), .pids = message.pids_limit()};
  return spec;
}

job::JobSecrets FromProto(const v1::JobStart& message) {
  job::JobSecrets secrets;
  for (const v1::Variable& variable : message.secrets()) {
    secrets.variables.push_back({variable.name(), Secret(variable.value()), variable.file(),
                                 variable.raw(), variable.masked()});
  }
  for (const std::string& mask : message.masks()) secrets.masks.emplace_back(mask);
  return secrets;
}

absl::StatusOr<job::Verdict> FromProto(const v1::JobVerdict& message) {
  job::Verdict verdict;
  GRANGE_ASSIGN_OR_RETURN(verdict.assignment, FromProto(message.assignment()));
  verdict.trace_offset = message.trace_offset();
  switch (message.kind()) {
    case v1::JobVerdict::KIND_GO_ON:
      verdict.kind = job::Verdict::Kind::kGoOn;
      return verdict;
    case v1::JobVerdict::KIND_START:
      verdict.kind = job::Verdict::Kind::kStart;
      return verdict;
    case v1::JobVerdict::KIND_FORGET:
      verdict.kind = job::Verdict::Kind::kForget;
      return verdict;
    case v1::JobVerdict::KIND_REVOKE:
      verdict.kind = job::Verdict::Kind::kRevoke;
      return verdict;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("unknown verdict ", static_cast<int>(message.kind())));
  }
}

void ToProto(const job::Report& report, v1::JobReport* message) {
  ToProto(report.assignment, message->mutable_assignment());
  message->set_trace_bytes(report.trace_bytes);
  switch (report.phase) {
    case job::Report::Phase::kAccepted:
      return message->set_phase(v1::JobReport::PHASE_ACCEPTED);
    case job::Report::Phase::kStarting:
      return message->set_phase(v1::JobReport::PHASE_STARTING);
    case job::Report::Phase::kRunning:
      return message->set_phase(v1::JobReport::PHASE_RUNNING);
    case job::Report::Phase::kFinished:
      return message->set_phase(v1::JobReport::PHASE_FINISHED);
  }
}

void ToProto(const Assignment& assignment, const job::JobResult& result, v1::JobResult* message) {
  ToProto(assignment, message->mutable_assignment());
  message->set_reason(ToProto(result.reason));
  message->set_exit_code(result.exit_code);
  message->set_signal(result.signal);
  message->set_trace_bytes(result.trace_bytes);
  message->set_trace_sha256(result.trace_sha256);
  message->set_dropped_bytes(result.dropped_bytes);
  message->set_duration_ms(absl::ToInt64Milliseconds(result.duration));
  message->set_cpu_ms(absl::ToInt64Milliseconds(result.cpu));
  message->set_max_rss_bytes(result.max_rss_bytes);
  message->set_detail(ToUtf8(absl::string_view(result.detail).substr(0, kTextMax)));
  message->set_artifact_id(ToUtf8(result.artifact_id));
  message->set_artifact_error(ToUtf8(absl::string_view(result.artifact_error).substr(0, kTextMax)));
}

}  // namespace grange::session
