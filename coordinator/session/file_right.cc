#include "coordinator/session/file_right.h"

#include "coordinator/lifecycle/job_state.h"

namespace grange::session {

absl::Status CheckFileRight(const TraceGate& gate, store::Store& store,
                            const Assignment& assignment, AgentId agent) {
  if (gate.Allows(assignment, agent)) return absl::OkStatus();
  const absl::StatusOr<store::JobRow> job = store.GetJob(assignment.job);
  if (!job.ok() && !absl::IsNotFound(job.status())) return job.status();
  const bool holds = job.ok() && job->progress.attempt == assignment.attempt &&
                     job->progress.fence == assignment.fence && job->progress.agent == agent &&
                     !lifecycle::IsFinal(job->progress.state);
  if (holds) {
    return absl::UnavailableError("the agent has no session with this coordinator yet; try again");
  }
  return absl::PermissionDeniedError("this attempt is not the agent's any more");
}

}  // namespace grange::session
