#ifndef GRANGE_COMMON_RPC_TLS_PROBE_H_
#define GRANGE_COMMON_RPC_TLS_PROBE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/os/unique_fd.h"

// Reaching a server step by step, so that whoever looks can say at which one it ends. Blocking; each
// step takes `timeout` at most, but for the system's own look-up of a name.
namespace grange::rpc {

struct HostPort {
  std::string host, port;  // an IPv6 address without its brackets
  std::string address;     // as it was given
};

// kInvalidArgument if `address` isn't "host:port" or "[v6]:port".
absl::StatusOr<HostPort> SplitHostPort(const std::string& address);

// The addresses of the host as text; kUnavailable if it has none.
absl::StatusOr<std::vector<std::string>> ResolveHost(const HostPort& target);

// A connection to the first of its addresses that takes one. kUnavailable with the system's words.
absl::StatusOr<os::UniqueFd> ConnectTcp(const HostPort& target, absl::Duration timeout);

// The certificates (PEM, the server's own first) that are shown in a TLS handshake for gRPC. None
// is trusted by that. kUnavailable if what answers speaks no TLS, or nothing in time.
absl::StatusOr<std::vector<std::string>> FetchChain(int fd, const HostPort& target,
                                                    absl::Duration timeout);

// That of the chain with this fingerprint; kUnauthenticated if there is none.
absl::StatusOr<std::string> FindByFingerprint(const std::vector<std::string>& chain,
                                              absl::string_view fingerprint);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_TLS_PROBE_H_
