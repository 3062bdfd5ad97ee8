#ifndef GRANGE_AGENT_WORKSPACE_GIT_COMMAND_H_
#define GRANGE_AGENT_WORKSPACE_GIT_COMMAND_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/workspace/cancellation.h"
#include "agent/workspace/owner.h"

namespace grange::workspace {

// Runs git with a configuration of our own: no hooks, no prompts, no system or user configuration,
// no other transports than local ones and the connection to the coordinator. Immutable after
// Make(); thread-safe.
class GitCommand {
 public:
  // Writes the configuration into `state_dir`. kNotFound if this machine has no git.
  static absl::StatusOr<GitCommand> Make(const std::string& state_dir);

  struct Call {
    std::vector<std::string> args;  // after "git -C <dir>"
    std::string dir;
    int inherit_fd = -1;  // becomes descriptor 3 of git
    absl::Duration timeout = absl::Hours(1);
    int conversation_fd = -1;        // becomes its stdin and stdout
    std::optional<Owner> user = {};  // whom it runs as; needs root, and setpriv
  };
  // Blocks until git has ended. kInternal with what it said on stderr if it failed, kCancelled if
  // it was stopped, kDeadlineExceeded after the timeout.
  absl::Status Run(const Call& call, Cancellation& cancellation) const;

 private:
  std::vector<std::string> environment_;
};

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_GIT_COMMAND_H_
