#include "coordinator/session/codec.h"

#include <string.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace grange::session {
namespace {

constexpr int64_t kIdMax = int64_t{1} << 53;
constexpr int kAttemptMax = 1'000'000;
constexpr int64_t kCpuMillisMax = int64_t{1} << 50;

absl::StatusOr<schedule::JobReport::Phase> FromProto(v1::JobReport::Phase phase) {
  switch (phase) {
    case v1::JobReport::PHASE_ACCEPTED:
      return schedule::JobReport::Phase::kAccepted;
    case v1::JobReport::PHASE_STARTING:
      return schedule::JobReport::Phase::kStarting;
    case v1::JobReport::PHASE_RUNNING:
      return schedule::JobReport::Phase::kRunning;
    case v1::JobReport::PHASE_FINISHED:
      return schedule::JobReport::Phase::kFinished;
    default:
      return absl::InvalidArgumentError(absl::StrCat("unknown phase of a job: ", int{phase}));
  }
}

absl::StatusOr<lifecycle::FailureReason> FromProto(v1::FailureReason reason) {
  using lifecycle::FailureReason;
  switch (reason) {
    case v1::FAILURE_REASON_NONE:
      return FailureReason::kNone;
    case v1::FAILURE_REASON_SCRIPT_FAILURE:
      return FailureReason::kScriptFailure;
    case v1::FAILURE_REASON_TIMEOUT:
      return FailureReason::kTimeout;
    case v1::FAILURE_REASON_CANCELED:
      return FailureReason::kCanceled;
    case v1::FAILURE_REASON_AGENT_LOST:
      return FailureReason::kAgentLost;
    case v1::FAILURE_REASON_AGENT_FORGOT:
      return FailureReason::kAgentForgot;
    case v1::FAILURE_REASON_AGENT_CRASH:
      return FailureReason::kAgentCrash;
    case v1::FAILURE_REASON_HOST_RESTART:
      return FailureReason::kHostRestart;
    case v1::FAILURE_REASON_LEASE_LOST:
      return FailureReason::kLeaseLost;
    case v1::FAILURE_REASON_AGENT_DISK_FULL:
      return FailureReason::kAgentDiskFull;
    case v1::FAILURE_REASON_SUPERVISOR_DIED:
      return FailureReason::kSupervisorDied;
    case v1::FAILURE_REASON_SOURCES_FAILED:
      return FailureReason::kSourcesFailed;
    case v1::FAILURE_REASON_ARTIFACTS_FAILED:
      return FailureReason::kArtifactsFailed;
    case v1::FAILURE_REASON_PREPARE_FAILED:
      return FailureReason::kPrepareFailed;
    case v1::FAILURE_REASON_TRACE_LIMIT:
      return FailureReason::kTraceLimit;
    case v1::FAILURE_REASON_MEMORY_LIMIT:
      return FailureReason::kMemoryLimit;
    case v1::FAILURE_REASON_PIDS_LIMIT:
      return FailureReason::kPidsLimit;
    case v1::FAILURE_REASON_AGENT_DRAINED:
      return FailureReason::kAgentDrained;
    default:
      return absl::InvalidArgumentError(absl::StrCat("unknown failure reason: ", int{reason}));
  }
}

v1::SourceSpec::Strategy ToProto(JobSpec::Strategy strategy) {
  switch (strategy) {
    case JobSpec::Strategy::kClone:
      return v1::SourceSpec::STRATEGY_CLONE;
    case JobSpec::Strategy::kFetch:
      return v1::SourceSpec::STRATEGY_FETCH;
    case JobSpec::Strategy::kNone:
      return v1::SourceSpec::STRATEGY_NONE;
  }
  return v1::SourceSpec::STRATEGY_UNSPECIFIED;
}

v1::ArtifactSpec::When ToProto(ArtifactTarget::When when) {
  switch (when) {
    case ArtifactTarget::When::kOnSuccess:
      return v1::ArtifactSpec::WHEN_ON_SUCCESS;
    case ArtifactTarget::When::kOnFailure:
      return v1::ArtifactSpec::WHEN_ON_FAILURE;
    case ArtifactTarget::When::kAlways:
      return v1::ArtifactSpec::WHEN_ALWAYS;
  }
  return v1::ArtifactSpec::WHEN_UNSPECIFIED;
}

void FillSource(const JobSpec& spec, v1::SourceSpec* source) {
  source->set_project_id(spec.project_id.value());
  source->set_project(spec.project);
  source->set_sha(spec.sha);
  source->set_ref_name(spec.ref_name);
  source->set_is_tag(spec.is_tag);
  source->set_strategy(ToProto(spec.strategy));
  source->set_depth(spec.depth);
}

// "killed by signal 9 (SIGKILL)"
std::string SignalText(int number) {
  const char* const name = ::sigabbrev_np(number);
  return absl::StrCat("killed by signal ", number,
                      name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"));
}

}  // namespace

std::string FrontOf(const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

std::string NoteText(const std::string& text) {
  std::string note = FrontOf(text, kNoteBytesMax);
  std::replace_if(
      note.begin(), note.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return note;
}

absl::StatusOr<Assignment> FromProto(const v1::Assignment& message) {
  if (message.job_id() <= 0 || message.job_id() > kIdMax || message.attempt() <= 0 ||
      message.attempt() > kAttemptMax || message.fence() == 0) {
    return absl::InvalidArgumentError("a message about a job has no valid assignment");
  }
  return Assignment{.job = JobId(message.job_id()),
                    .attempt = message.attempt(),
                    .fence = Fence{message.fence()}};
}

void ToProto(const Assignment& assignment, v1::Assignment* message) {
  message->set_job_id(assignment.job.value());
  message->set_attempt(assignment.attempt);
  message->set_fence(FenceValue(assignment.fence));
}

absl::StatusOr<HelloFacts> FromProto(const v1::Hello& message) {
  HelloFacts facts;
  if (message.agent_id() <= 0 || message.agent_id() > kIdMax) {
    return absl::InvalidArgumentError("hello without the agent's id");
  }
  if (message.instance_id().size() != 16) {
    return absl::InvalidArgumentError("hello needs an instance_id of 16 bytes");
  }
  if (message.protocol_min() > kProtocolMax || message.protocol_max() < kProtocolMin) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the agent speaks protocol ", message.protocol_min(), " to ", message.protocol_max(),
        ", the coordinator ", kProtocolMin, " to ", kProtocolMax, "; upgrade the ",
        message.protocol_min() > kProtocolMax ? "coordinator" : "agent"));
  }
  if (message.capacity().slots() < 1 || message.capacity().slots() > kSlotsMax) {
    return absl::InvalidArgumentError(absl::StrCat("slots must be 1 to ", kSlotsMax));
  }
  if (message.jobs_size() > kReportsMax) {
    return absl::InvalidArgumentError(absl::StrCat("hello with more than ", kReportsMax, " jobs"));
  }
  if (message.features_size() > kFeaturesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello with more than ", kFeaturesMax, " features"));
  }
  for (const std::string& feature : message.features()) {
    const bool is_name = !feature.empty() && feature.size() <= kFeatureBytesMax &&
                         std::ranges::all_of(feature, [](char c) {
                           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
                         });
    if (!is_name) {
      return absl::InvalidArgumentError(absl::StrCat("a feature's name has 1 to ", kFeatureBytesMax,
                                                     " lower-case letters, digits and '_'"));
    }
    facts.features.push_back(feature);
  }
  facts.agent = AgentId(message.agent_id());
  facts.instance_id = message.instance_id();
  facts.session_counter = message.session_counter();
  facts.protocol = std::min(message.protocol_max(), kProtocolMax);
  facts.slots = message.capacity().slots();
  facts.version = FrontOf(message.version(), 64);
  for (const v1::JobReport& report : message.jobs()) {
    GRANGE_ASSIGN_OR_RETURN(const Assignment assignment, FromProto(report.assignment()));
    GRANGE_ASSIGN_OR_RETURN(const schedule::JobReport::Phase phase, FromProto(report.phase()));
    facts.jobs.push_back({.assignment = assignment, .phase = phase});
  }
  return facts;
}

absl::StatusOr<JobResult> FromProto(const v1::JobResult& message) {
  JobResult result;
  GRANGE_ASSIGN_OR_RETURN(result.assignment, FromProto(message.assignment()));
  GRANGE_ASSIGN_OR_RETURN(result.reason, FromProto(message.reason()));
  if (message.trace_sha256().size() != 32) {
    return absl::InvalidArgumentError("a result needs the trace's SHA-256 of 32 bytes");
  }
  result.exit_code = message.exit_code();
  result.dropped_bytes = message.dropped_bytes();
  result.cpu = absl::Milliseconds(std::clamp<int64_t>(message.cpu_ms(), 0, kCpuMillisMax));
  result.max_rss_bytes = static_cast<uint64_t>(std::max<int64_t>(message.max_rss_bytes(), 0));
  if (result.reason == lifecycle::FailureReason::kScriptFailure && message.signal() > 0) {
    result.detail = SignalText(message.signal());
  }
  if (!message.detail().empty()) {
    absl::StrAppend(&result.detail, result.detail.empty() ? "" : "; ",
                    FrontOf(message.detail(), kDetailBytesMax));
  }
  result.artifact_id = FrontOf(message.artifact_id(), 128);
  if (!message.artifact_error().empty()) {
    absl::StrAppend(&result.detail, result.detail.empty() ? "" : "; ",
                    FrontOf(message.artifact_error(), kDetailBytesMax));
  }
  return result;
}

void ToProto(const JobSpec& spec, v1::JobSpec* message) {
  message->set_project(spec.project);
  message->set_pipeline_id(spec.pipeline.value());
  message->set_name(spec.name);
  message->set_stage(spec.stage);
  for (const std::string& line : spec.script) message->add_script(line);
  for (const std::string& line : spec.after_script) message->add_after_script(line);
  for (const SpecVariable& variable : spec.variables) {
    v1::Variable* const added = message->add_variables();
    added->set_name(variable.name);
    added->set_value(variable.value);
    added->set_file(variable.file);
    added->set_raw(variable.raw);
  }
  FillSource(spec, message->mutable_source());
  for (const ArtifactSource& source : spec.artifacts_in) {
    v1::ArtifactSource* const added = message->add_artifacts_in();
    added->set_job_id(source.job.value());
    added->set_attempt(source.attempt);
    added->set_job_name(source.job_name);
    added->set_artifact_id(source.artifact_id);
    added->set_size(source.size);
    added->set_sha256(source.sha256);
  }
  if (spec.artifacts_out.has_value()) {
    v1::ArtifactSpec* const out = message->mutable_artifacts_out();
    for (const std::string& path : spec.artifacts_out->paths) out->add_paths(path);
    for (const std::string& path : spec.artifacts_out->exclude) out->add_exclude(path);
    out->set_when(ToProto(spec.artifacts_out->when));
    out->set_name(spec.artifacts_out->name);
  }
  message->set_timeout_ms(absl::ToInt64Milliseconds(spec.timeout));
  message->set_after_script_timeout_ms(absl::ToInt64Milliseconds(spec.after_script_timeout));
  message->set_trace_limit_bytes(spec.trace_limit_bytes);
  message->set_on_disconnect(spec.stop_on_disconnect ? v1::ON_DISCONNECT_STOP
                                                     : v1::ON_DISCONNECT_KEEP);
  for (const std::string& tag : spec.tags) message->add_tags(tag);
  message->set_fail_at_trace_limit(spec.fail_at_trace_limit);
  message->set_memory_limit_bytes(spec.memory_limit_bytes);
  message->set_pids_limit(spec.pids_limit);
}

void ToProto(const StartSecrets& secrets, v1::JobStart* message) {
  for (const SecretVariable& variable : secrets.variables) {
    v1::Variable* const added = message->add_secrets();
    added->set_name(variable.name);
    added->set_value(std::string(variable.value.Open()));
    added->set_file(variable.file);
    added->set_masked(variable.masked);
  }
}

v1::JobVerdict::Kind ToProto(schedule::SendWelcome::Verdict verdict) {
  switch (verdict) {
    case schedule::SendWelcome::Verdict::kGoOn:
      return v1::JobVerdict::KIND_GO_ON;
    case schedule::SendWelcome::Verdict::kStart:
      return v1::JobVerdict::KIND_START;
    case schedule::SendWelcome::Verdict::kForget:
      return v1::JobVerdict::KIND_FORGET;
    case schedule::SendWelcome::Verdict::kRevoke:
      return v1::JobVerdict::KIND_REVOKE;
  }
  return v1::JobVerdict::KIND_UNSPECIFIED;
}

}  // namespace grange::session
