#ifndef GRANGE_DEPLOY_SSH_SSH_COMMAND_H_
#define GRANGE_DEPLOY_SSH_SSH_COMMAND_H_

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "deploy/ssh/ssh_session.h"

struct ssh_session_struct;

namespace grange::ssh {

// SshSession::Run() on a session that is logged in and non-blocking. After an error the connection
// must be cut: the channel may be in any state.
absl::StatusOr<SshResult> RunCommand(ssh_session_struct* session, const SshCommand& command,
                                     const Clock& clock);

}  // namespace grange::ssh

#endif  // GRANGE_DEPLOY_SSH_SSH_COMMAND_H_
