#ifndef GRANGE_TOOLS_CTL_GIT_PUSH_H_
#define GRANGE_TOOLS_CTL_GIT_PUSH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "tools/ctl/client.h"
#include "tools/ctl/repository.h"

namespace grange::ctl {

struct PushOptions {
  std::string project;
  std::string sha;
  // Called with the bytes sent so far, from another thread, at most a few times a second.
  std::function<void(uint64_t)> on_progress;
};

// Pushes a commit, and what it needs, into the coordinator's mirror of the project: a plain `git
// push` to refs/grange/incoming/<sha>, whose connection is the protocol's Git call (docs/formats/
// git-over-grpc.md). kUnavailable if the connection broke: pushing again sends what is missing.
absl::Status PushCommit(Client& client, const Repository& repository, const PushOptions& options);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_GIT_PUSH_H_
