#ifndef GRANGE_DEPLOY_SSH_HOST_KEY_H_
#define GRANGE_DEPLOY_SSH_HOST_KEY_H_

#include <string>

#include "absl/status/status.h"
#include "deploy/ssh/ssh_target.h"

struct ssh_session_struct;

namespace grange::ssh {

// OK if the connected host shows a key that `known_hosts` has for it. Everything else is
// kFailedPrecondition with the fingerprints and the next step in its text:
//   not found   there is no such file
//   unknown     the file has no key of this host
//   other       it has keys of this host, but only of other types
//   changed     it has another key of the same type: perhaps somebody else answers
// A new key is never accepted and the file never written: that is for a person to decide.
//
// To be called between the key exchange and the authentication.
absl::Status CheckHostKey(ssh_session_struct* session, const SshTarget& target,
                          const std::string& known_hosts);

}  // namespace grange::ssh

#endif  // GRANGE_DEPLOY_SSH_HOST_KEY_H_
