#ifndef GRANGE_DEPLOY_SSH_TCP_CONNECT_H_
#define GRANGE_DEPLOY_SSH_TCP_CONNECT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/os/unique_fd.h"

namespace grange::ssh {

// A connected, non-blocking socket that no child process inherits, sends at once (TCP_NODELAY) and
// notices a dead peer: keep-alives after ten quiet seconds, and at most 30 s for bytes in flight.
// Tries all addresses of `host` in turn. kUnavailable with the reason of the last one,
// kDeadlineExceeded, kNotFound if the name has no address. Blocks; resolving has its own limits.
absl::StatusOr<os::UniqueFd> TcpConnect(const std::string& host, uint16_t port,
                                        absl::Duration timeout, const Clock& clock);

}  // namespace grange::ssh

#endif  // GRANGE_DEPLOY_SSH_TCP_CONNECT_H_
