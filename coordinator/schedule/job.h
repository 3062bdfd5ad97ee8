#ifndef GRANGE_COORDINATOR_SCHEDULE_JOB_H_
#define GRANGE_COORDINATOR_SCHEDULE_JOB_H_

#include <compare>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/lifecycle/pipeline_state.h"
#include "coordinator/schedule/event.h"

// A job in the scheduler's memory. Part of the scheduler's inside: other folders use scheduler.h.
namespace grange::schedule {

struct JobClass;
struct Pipeline;

// What a job means for those that come after it.
enum class Outcome {
  kOpen,    // may still go either way: those after it wait
  kPassed,  // succeeded, or failed or canceled where that is allowed
  kFailed,
  kCanceled,
  kSkipped,  // passes in stage order; skips the jobs that need it
  kHeld,     // an optional manual job that nobody started: as kSkipped, until it is played
};

// The place of a waiting job: the oldest pipeline first, then by stage, then as in the file.
struct QueueKey {
  PipelineId pipeline;
  int stage = 0;
  int index = 0;

  friend auto operator<=>(const QueueKey&, const QueueKey&) = default;
};

// An agent that did not want the job, and until when it is not asked again.
struct Decline {
  AgentId agent;
  absl::Time until;
  std::string reason;
};

struct Job {
  JobNode node;  // facts and progress
  Pipeline* pipeline = nullptr;
  int index = 0;  // in file order
  bool allowed_to_fail = false;
  std::string detail;

  // The job's place in the graph; kept by JobGraph.
  std::vector<Job*> needs;
  std::vector<Job*> needed_by;
  int open_needs = 0;
  bool lacks_need = false;  // needs a job that the pipeline does not have
  Outcome outcome = Outcome::kOpen;
  bool is_candidate = false;

  JobClass* queued_in = nullptr;  // set while it waits for an agent
  std::vector<Decline> declines;  // by agent

  lifecycle::JobSummary counted{};  // as it stands in the pipeline's tally
  bool row_touched = false;         // its row is to be written at the end of this turn

  QueueKey key() const;
  Assignment assignment() const { return {node.id, node.attempt, node.fence}; }
  bool is_given() const {  // granted: it may be running
    return node.phase == Phase::kGranted || node.phase == Phase::kRunning;
  }
};

// Whether the failure that the job ended with is one it may have.
bool AllowedToFail(const JobNode& node);

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_JOB_H_
