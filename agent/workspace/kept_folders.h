#ifndef GRANGE_AGENT_WORKSPACE_KEPT_FOLDERS_H_
#define GRANGE_AGENT_WORKSPACE_KEPT_FOLDERS_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/workspace/sweep_plan.h"

// The folders that an agent keeps for later jobs: mirrors/<project>.git, and all in
// workspaces/<slot>/ but the variables of its job. When one was last used is its modification time.
namespace grange::workspace {

// A job has used it until now. Fine if it isn't there.
void NoteUse(const std::string& path);

// All of `state_dir`, none of them marked as in use. One that was last used in the future, by a
// clock that was wrong, is noted as used at `now`. Ends early once `stop` is set. Blocks, long
// where sizes are limited.
std::vector<KeptFolder> ListKept(const std::string& state_dir, const KeepLimits& limits,
                                 absl::Time now, const std::atomic<bool>& stop);

// Gives it another name beside its own, which is returned, so that no job finds half of it. Nobody
// may use it meanwhile. kNotFound if it is gone, or was used since it was listed.
absl::StatusOr<std::string> PutAside(const KeptFolder& folder, absl::Time now);

// What was put aside and not removed before the agent ended.
std::vector<std::string> LeftAside(const std::string& state_dir);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_KEPT_FOLDERS_H_
