#ifndef GRANGE_AGENT_SESSION_CHECK_H_
#define GRANGE_AGENT_SESSION_CHECK_H_

#include <iosfwd>
#include <string>

#include "absl/status/status.h"

namespace grange::session {

// Says in order what works and what doesn't, one line each: state directory, registration, tools,
// disk, connection, certificate. Stops at the first thing without which the rest can't be looked
// at, and returns the first failure. Starts no session, so it may run beside the agent.
absl::Status CheckAgent(const std::string& state_dir, const std::string& shim_program,
                        std::ostream& out);

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_CHECK_H_
