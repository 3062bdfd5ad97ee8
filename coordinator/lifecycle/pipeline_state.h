#ifndef GRANGE_COORDINATOR_LIFECYCLE_PIPELINE_STATE_H_
#define GRANGE_COORDINATOR_LIFECYCLE_PIPELINE_STATE_H_

#include <span>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/lifecycle/job_state.h"

namespace grange::lifecycle {

// What people see of a pipeline; the words are GitLab's (PipelineStateName).
enum class PipelineState {
  kCreated,
  kPending,
  kRunning,
  kSuccess,
  kFailed,
  kCanceled,
  kSkipped,
  kManual,
  kScheduled
};

struct JobSummary {
  JobState state;
  bool allow_failure;  // already decided for its exit code, if it failed
  When when;
};

// Derived from the jobs alone, as GitLab does: a failed job that may fail counts as success, a
// manual job that may fail (optional) counts as not there, a blocking manual job gives kManual
// once nothing else moves. Empty: kSkipped.
PipelineState DerivePipelineState(std::span<const JobSummary> jobs);

// The same for one job at a time, so that a change of one job of ten thousand costs no walk over
// all of them. Remove() takes what was given to Add().
class PipelineTally {
 public:
  void Add(const JobSummary& job) { Count(job, 1); }
  void Remove(const JobSummary& job) { Count(job, -1); }
  PipelineState State() const;

 private:
  void Count(const JobSummary& job, int by);

  int jobs_ = 0;
  int passed_ = 0;   // success, and failed or canceled where that is allowed
  int ignored_ = 0;  // optional manual jobs
  int created_ = 0;
  int pending_ = 0;
  int running_ = 0;
  int failed_ = 0;
  int canceled_ = 0;
  int skipped_ = 0;
  int manual_ = 0;
  int scheduled_ = 0;
};

// success, failed, canceled, skipped.
bool IsFinal(PipelineState state);

absl::string_view PipelineStateName(PipelineState state);
absl::StatusOr<PipelineState> ParsePipelineState(absl::string_view name);

}  // namespace grange::lifecycle

#endif  // GRANGE_COORDINATOR_LIFECYCLE_PIPELINE_STATE_H_
