#ifndef GRANGE_AGENT_JOB_WORKBENCH_H_
#define GRANGE_AGENT_JOB_WORKBENCH_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/job/job_result.h"
#include "agent/job/job_spec.h"
#include "agent/workspace/cancellation.h"
#include "agent/workspace/file_door.h"
#include "agent/workspace/git_command.h"
#include "agent/workspace/git_mirrors.h"
#include "agent/workspace/owner.h"

namespace grange::job {

// The blocking parts of a job that are not its script: sources and artifacts. Used by several
// workers at once.
class Workbench {
 public:
  struct Folders {
    std::string work_tree;
    std::string job;                             // scratch files go here
    std::optional<workspace::Owner> owner = {};  // of the work tree; none: the agent's user
  };
  Workbench(workspace::GitMirrors& mirrors, const workspace::GitCommand& git,
            workspace::PackDoor& packs, workspace::FileDoor& files)
      : mirrors_(mirrors), git_(git), packs_(packs), files_(files) {}

  // True if Prepare() has nothing to wait for, so that it may be called on the loop's thread.
  static bool IsQuick(const JobSpec& spec);

  struct Prepared {
    absl::Status status;
    EndReason reason = EndReason::kSuccess;  // what a failure counts as
    std::string text;                        // for the trace: what was done, and what failed
  };
  // Makes the work tree ready: the commit, then the artifacts of earlier jobs.
  Prepared Prepare(const Assignment& assignment, const JobSpec& spec, const Folders& folders,
                   workspace::Cancellation& cancellation);

  struct Stored {
    std::string artifact_id;
    std::string error;    // one line; empty if all is well
    bool failed = false;  // not only that nothing matched
  };
  // Packs what `paths` match and brings it to the coordinator.
  Stored Store(const Assignment& assignment, const ArtifactOutput& output, const Folders& folders,
               absl::Duration try_for, workspace::Cancellation& cancellation);

  // How long a job's files wait for a coordinator that is away: a job that keeps running without
  // one waits as long as it takes.
  static absl::Duration TryFor(const JobSpec& spec);

 private:
  absl::Status FetchArtifact(const Assignment& assignment, const ArtifactInput& input,
                             const Folders& folders, absl::Duration try_for,
                             workspace::Cancellation& cancellation);

  workspace::GitMirrors& mirrors_;
  const workspace::GitCommand& git_;
  workspace::PackDoor& packs_;
  workspace::FileDoor& files_;
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_WORKBENCH_H_
