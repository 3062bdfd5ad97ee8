#ifndef GRANGE_AGENT_SESSION_REGISTRATION_H_
#define GRANGE_AGENT_SESSION_REGISTRATION_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/session/agent_state.h"

namespace grange::session {

struct RegisterOptions {
  std::string state_dir;
  std::string coordinator;  // "host:port"
  std::string token;        // as `grangectl token create --registration` has printed it
  std::string name;         // "": this machine's name
  std::vector<std::string> tags;
  bool run_untagged = true;
  int slots = 1;
  bool insecure = false;  // plain text, loopback only
};

// Trades the token for a credential of this agent's own and writes it, with the coordinator's CA,
// into the state directory. The CA must be the one that the token names. Repeating it after a cut
// with the same directory registers no second agent. Blocks. kAlreadyExists if the directory is
// registered, kUnavailable if nobody answers, kUnauthenticated or kPermissionDenied for a token
// that is wrong, expired or used up.
absl::StatusOr<AgentIdentity> Register(const RegisterOptions& options);

// Asks for what is needed, with `defaults` in brackets, as on a terminal. kCancelled at the end of
// the input.
absl::StatusOr<RegisterOptions> AskForOptions(const RegisterOptions& defaults, std::istream& in,
                                              std::ostream& out);

std::string MachineName();

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_REGISTRATION_H_
