#ifndef GRANGE_AGENT_SESSION_JOB_USERS_H_
#define GRANGE_AGENT_SESSION_JOB_USERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/exec/job_account.h"

namespace grange::session {

// Makes the state directory one where jobs of these accounts get to their work trees and to nothing
// else: it can be passed, all in it but `workspaces` and git's configuration is closed. Before jobs
// start, after all files are there. kFailedPrecondition with what to do: this process isn't root,
// `shim_program` is of another release and might not know of users, setpriv is missing, or a folder
// above the state directory is closed to an account.
absl::Status PrepareForJobUsers(const std::string& state_dir, const std::string& shim_program,
                                const std::vector<exec::JobAccount>& accounts);

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_JOB_USERS_H_
