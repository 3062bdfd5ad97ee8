#ifndef GRANGE_AGENT_EXEC_JOB_ACCOUNT_H_
#define GRANGE_AGENT_EXEC_JOB_ACCOUNT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/shim/run_spec.h"

namespace grange::exec {

// Whom jobs run as.
struct JobAccount {
  shim::JobUser ids;
  std::string name;   // of a bare number without an entry in the user database: the number
  std::string home;   // "": it has none
  std::string shell;  // "": not known
};

// The accounts that `wanted` names, each a user's name, a number, or a range of numbers such as
// "20000-20007"; numbers need no entry in the user database. One for each slot, in this order, so
// that two jobs at once never share one. kInvalidArgument, saying what to do: an unknown user, one
// that is root or named twice, or fewer than `slots`.
absl::StatusOr<std::vector<JobAccount>> ResolveAccounts(const std::vector<std::string>& wanted,
                                                        int slots);

// kFailedPrecondition, naming the folder, if `account` can't pass all folders on the absolute path
// of `dir`.
absl::Status CheckCanPass(const JobAccount& account, const std::string& dir);

}  // namespace grange::exec

#endif  // GRANGE_AGENT_EXEC_JOB_ACCOUNT_H_
