#include "coordinator/lifecycle/pipeline_state.h"

#include "absl/strings/str_cat.h"

namespace grange::lifecycle {
namespace {

constexpr PipelineState kAllStates[] = {
    PipelineState::kCreated, PipelineState::kPending, PipelineState::kRunning,
    PipelineState::kSuccess, PipelineState::kFailed,  PipelineState::kCanceled,
    PipelineState::kSkipped, PipelineState::kManual,  PipelineState::kScheduled,
};

}  // namespace

PipelineState DerivePipelineState(std::span<const JobSummary> jobs) {
  PipelineTally tally;
  for (const JobSummary& job : jobs) tally.Add(job);
  return tally.State();
}

void PipelineTally::Count(const JobSummary& job, int by) {
  jobs_ += by;
  switch (job.state) {
    case JobState::kCreated:
      created_ += by;
      return;
    case JobState::kPending:
      pending_ += by;
      return;
    case JobState::kRunning:
      running_ += by;
      return;
    case JobState::kSuccess:
      passed_ += by;
      return;
    case JobState::kFailed:
      (job.allow_failure ? passed_ : failed_) += by;
      return;
    case JobState::kCanceled:
      (job.allow_failure ? passed_ : canceled_) += by;
      return;
    case JobState::kSkipped:
      skipped_ += by;
      return;
    case JobState::kManual:
      (job.allow_failure ? ignored_ : manual_) += by;
      return;
    case JobState::kScheduled:
      scheduled_ += by;
      return;
  }
}

// The order of the questions is GitLab's.
PipelineState PipelineTally::State() const {
  const int quiet = skipped_ + ignored_;
  if (jobs_ == quiet) return PipelineState::kSkipped;
  if (jobs_ == quiet + passed_) return PipelineState::kSuccess;
  if (jobs_ == created_ + ignored_) return PipelineState::kCreated;
  if (jobs_ == quiet + passed_ + canceled_) return PipelineState::kCanceled;
  if (running_ == 0 && pending_ > 0 && jobs_ == quiet + pending_ + created_) {
    return PipelineState::kPending;
  }
  if (running_ > 0 || pending_ > 0) return PipelineState::kRunning;
  if (manual_ > 0) return PipelineState::kManual;
  if (scheduled_ > 0) return PipelineState::kScheduled;
  if (created_ > 0) return PipelineState::kRunning;
  return PipelineState::kFailed;
}

bool IsFinal(PipelineState state) {
  switch (state) {
    case PipelineState::kSuccess:
    case PipelineState::kFailed:
    case PipelineState::kCanceled:
    case PipelineState::kSkipped:
      return true;
    case PipelineState::kCreated:
    case PipelineState::kPending:
    case PipelineState::kRunning:
    case PipelineState::kManual:
    case PipelineState::kScheduled:
      return false;
  }
  return false;
}

absl::string_view PipelineStateName(PipelineState state) {
  switch (state) {
    case PipelineState::kCreated:
      return "created";
    case PipelineState::kPending:
      return "pending";
    case PipelineState::kRunning:
      return "running";
    case PipelineState::kSuccess:
      return "success";
    case PipelineState::kFailed:
      return "failed";
    case PipelineState::kCanceled:
      return "canceled";
    case PipelineState::kSkipped:
      return "skipped";
    case PipelineState::kManual:
      return "manual";
    case PipelineState::kScheduled:
      return "scheduled";
  }
  return "";
}

absl::StatusOr<PipelineState> ParsePipelineState(absl::string_view name) {
  for (const PipelineState state : kAllStates) {
    if (PipelineStateName(state) == name) return state;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no state of a pipeline"));
}

}  // namespace grange::lifecycle
