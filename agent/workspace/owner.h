#ifndef GRANGE_AGENT_WORKSPACE_OWNER_H_
#define GRANGE_AGENT_WORKSPACE_OWNER_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"

namespace grange::workspace {

// Whose a job's files are, where jobs don't run as the agent's own user.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Gives a tree to `owner`, its top last. Nobody else may be able to get into it before that: until
// then it is followed by its paths, though never through a link.
absl::Status GiveTree(const std::string& path, const Owner& owner);

// Makes the folder `path`, which is the owner's alone (mode 0700), unless it is there: then what it
// holds stays. What is there of another kind or another owner's goes first. The folder above must
// be the agent's own; it is made, and everybody may pass it.
absl::Status MakeOwnedDir(const std::string& path, const Owner& owner);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_OWNER_H_
