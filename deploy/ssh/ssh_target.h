#ifndef GRANGE_DEPLOY_SSH_SSH_TARGET_H_
#define GRANGE_DEPLOY_SSH_SSH_TARGET_H_

#include <cstdint>
#include <string>

namespace grange::ssh {

// Whom to talk to. The names come from projects: Connect() refuses those with other characters than
// letters, digits, '.', '_' and '-', and those that begin with '-'.
struct SshTarget {
  std::string host;
  uint16_t port = 22;
  std::string user;

  friend bool operator==(const SshTarget&, const SshTarget&) = default;

  // "user@host", with ":port" if it is not 22.
  std::string ToString() const;
  // The host as a known_hosts file has it: "host", or "[host]:port" if the port is not 22.
  std::string KnownHostsName() const;
};

}  // namespace grange::ssh

#endif  // GRANGE_DEPLOY_SSH_SSH_TARGET_H_
