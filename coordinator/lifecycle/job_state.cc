#include "coordinator/lifecycle/job_state.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace grange::lifecycle {
namespace {

constexpr JobState kAllStates[] = {
    JobState::kCreated, JobState::kPending, JobState::kRunning,
    JobState::kSuccess, JobState::kFailed,  JobState::kCanceled,
    JobState::kSkipped, JobState::kManual,  JobState::kScheduled,
};
constexpr When kAllWhens[] = {When::kOnSuccess, When::kOnFailure, When::kAlways, When::kManual,
                              When::kDelayed};

// One function for each state: what can happen in it.
std::optional<JobState> FromCreated(JobEvent event) {
  if (event == JobEvent::kReady) return JobState::kPending;
  if (event == JobEvent::kHeldForPlay) return JobState::kManual;
  if (event == JobEvent::kTimerStarted) return JobState::kScheduled;
  if (event == JobEvent::kRuledOut) return JobState::kSkipped;
  if (event == JobEvent::kCanceled) return JobState::kCanceled;
  return std::nullopt;
}

std::optional<JobState> FromPending(JobEvent event) {
  if (event == JobEvent::kGranted) return JobState::kRunning;
  if (event == JobEvent::kRequeued) return JobState::kPending;
  if (event == JobEvent::kCanceled) return JobState::kCanceled;
  if (event == JobEvent::kFailed) return JobState::kFailed;  // nobody can be given it
  return std::nullopt;
}

std::optional<JobState> FromRunning(JobEvent event) {
  if (event == JobEvent::kSucceeded) return JobState::kSuccess;
  if (event == JobEvent::kFailed) return JobState::kFailed;
  if (event == JobEvent::kCanceled) return JobState::kCanceled;
  return std::nullopt;
}

std::optional<JobState> FromHeld(JobEvent event) {  // manual, scheduled
  if (event == JobEvent::kPlayed) return JobState::kPending;
  if (event == JobEvent::kCanceled) return JobState::kCanceled;
  return std::nullopt;
}

std::optional<JobState> FromEnded(JobEvent event, bool with_success) {  // … and failed, canceled
  if (event == JobEvent::kRequeued) return JobState::kPending;
  if (event == JobEvent::kRevived && !with_success) return JobState::kCreated;
  return std::nullopt;
}

std::optional<JobState> Next(JobState from, JobEvent event) {
  switch (from) {
    case JobState::kCreated:
      return FromCreated(event);
    case JobState::kPending:
      return FromPending(event);
    case JobState::kRunning:
      return FromRunning(event);
    case JobState::kManual:
    case JobState::kScheduled:
      return FromHeld(event);
    case JobState::kSuccess:
      return FromEnded(event, true);
    case JobState::kFailed:
    case JobState::kCanceled:
      return FromEnded(event, false);
    case JobState::kSkipped:
      if (event == JobEvent::kRevived) return JobState::kCreated;
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<JobState> NextState(JobState from, JobEvent event) {
  if (const std::optional<JobState> next = Next(from, event)) return *next;
  return absl::FailedPreconditionError(absl::StrCat(
      "'", JobEventName(event), "' cannot happen to a job that is '", JobStateName(from), "'"));
}

bool IsFinal(JobState state) {
  switch (state) {
    case JobState::kSuccess:
    case JobState::kFailed:
    case JobState::kCanceled:
    case JobState::kSkipped:
      return true;
    case JobState::kCreated:
    case JobState::kPending:
    case JobState::kRunning:
    case JobState::kManual:
    case JobState::kScheduled:
      return false;
  }
  return false;
}

absl::string_view JobStateName(JobState state) {
  switch (state) {
    case JobState::kCreated:
      return "created";
    case JobState::kPending:
      return "pending";
    case JobState::kRunning:
      return "running";
    case JobState::kSuccess:
      return "success";
    case JobState::kFailed:
      return "failed";
    case JobState::kCanceled:
      return "canceled";
    case JobState::kSkipped:
      return "skipped";
    case JobState::kManual:
      return "manual";
    case JobState::kScheduled:
      return "scheduled";
  }
  return "";
}

absl::string_view JobEventName(JobEvent event) {
  switch (event) {
    case JobEvent::kReady:
      return "ready";
    case JobEvent::kHeldForPlay:
      return "held for play";
    case JobEvent::kTimerStarted:
      return "timer started";
    case JobEvent::kPlayed:
      return "played";
    case JobEvent::kGranted:
      return "granted";
    case JobEvent::kSucceeded:
      return "succeeded";
    case JobEvent::kFailed:
      return "failed";
    case JobEvent::kCanceled:
      return "canceled";
    case JobEvent::kRuledOut:
      return "ruled out";
    case JobEvent::kRequeued:
      return "requeued";
    case JobEvent::kRevived:
      return "revived";
  }
  return "";
}

absl::StatusOr<JobState> ParseJobState(absl::string_view name) {
  for (const JobState state : kAllStates) {
    if (JobStateName(state) == name) return state;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no state of a job"));
}

absl::string_view WhenName(When when) {
  switch (when) {
    case When::kOnSuccess:
      return "on_success";
    case When::kOnFailure:
      return "on_failure";
    case When::kAlways:
      return "always";
    case When::kManual:
      return "manual";
    case When::kDelayed:
      return "delayed";
  }
  return "";
}

absl::StatusOr<When> ParseWhen(absl::string_view name) {
  for (const When when : kAllWhens) {
    if (WhenName(when) == name) return when;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", name,
                   "' is no value of `when`; it takes on_success, on_failure, always, manual, "
                   "delayed"));
}

}  // namespace grange::lifecycle
