#ifndef GRANGE_AGENT_WORKSPACE_OWNED_WORK_TREE_H_
#define GRANGE_AGENT_WORKSPACE_OWNED_WORK_TREE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/workspace/cancellation.h"
#include "agent/workspace/git_command.h"
#include "agent/workspace/owner.h"
#include "agent/workspace/sources.h"

namespace grange::workspace {

// PrepareWorkTree() for a job that runs as `owner`: the tree belongs to that user and nobody else
// can look into it. What an earlier job has left there is hostile: its git settings, index and
// objects could make git run or check out what the job's author never saw. So the tree is made anew
// for every job, unless it has no sources, and git works in it as `owner`. The mirror stays out of
// the user's reach: git is handed the commits through a socket. Needs root.
absl::Status PrepareOwnedWorkTree(const std::string& path, const std::string& mirror,
                                  const Sources& sources, const Owner& owner, const GitCommand& git,
                                  absl::Duration timeout, Cancellation& cancellation);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_OWNED_WORK_TREE_H_
