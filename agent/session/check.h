#ifndef GRANGE_AGENT_SESSION_CHECK_H_
#define GRANGE_AGENT_SESSION_CHECK_H_

#include <iosfwd>
#include <string>

#include "absl/status/status.h"

namespace grange::session {

// Says in order what works and what doesn't, one line each: registration, address, TCP, TLS (what
// the certificate is for, whose it is, its dates and this machine's clock), credential, protocol,
// disk, git, shell, shim. What can't be looked at, as something before it failed, is skipped aloud.
// Returns the first failure. Starts no session, so it may run beside the agent.
absl::Status CheckAgent(const std::string& state_dir, const std::string& shim_program,
                        std::ostream& out);

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_CHECK_H_
