#include "deploy/ssh/tcp_connect.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::ssh {
namespace {

constexpr int kKeepAliveIdleSeconds = 10;
constexpr int kKeepAliveIntervalSeconds = 5;
constexpr int kKeepAliveProbes = 4;
constexpr int kUnacknowledgedMillis = 30'000;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<Addresses> Resolve(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (error == EAI_AGAIN) {
    return absl::UnavailableError(absl::StrCat("cannot resolve '", host, "': no answer"));
  }
  if (error != 0) {
    return absl::NotFoundError(absl::StrCat("host '", host, "' has no address (",
                                            gai_strerror(error), "); check its name"));
  }
  return Addresses(found, &freeaddrinfo);
}

void SetOption(int fd, int level, int name, int value) {
  // These only make a dead peer noticed sooner; our own deadlines hold without them.
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

void TuneSocket(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMillis);
}

// Waits until the connection that `fd` is making stands or fails.
absl::Status AwaitConnected(int fd, const std::string& host, absl::Duration deadline,
                            const Clock& clock) {
  for (;;) {
    const absl::Duration left = std::max(deadline - clock.SinceBoot(), absl::ZeroDuration());
    pollfd waited{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = poll(&waited, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return os::ErrnoStatus(errno, "cannot wait for", host);
    if (ready > 0) break;
    if (left == absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat("'", host, "' does not answer"));
    }
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return os::ErrnoStatus(error, "cannot connect to", host);
  return absl::OkStatus();
}

absl::StatusOr<os::UniqueFd> ConnectTo(const addrinfo& address, const std::string& host,
                                       absl::Duration deadline, const Clock& clock) {
  os::UniqueFd fd(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                         address.ai_protocol));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot make a socket for", host);
  TuneSocket(fd.get());
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return os::ErrnoStatus(errno, "cannot connect to", host);
    GRANGE_RETURN_IF_ERROR(AwaitConnected(fd.get(), host, deadline, clock));
  }
  return fd;
}

}  // namespace

absl::StatusOr<os::UniqueFd> TcpConnect(const std::string& host, uint16_t port,
                                        absl::Duration timeout, const Clock& clock) {
  const absl::Duration deadline = clock.SinceBoot() + timeout;
  GRANGE_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(host, port));
  absl::Status last = absl::UnavailableError(absl::StrCat("'", host, "' has no address"));
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    absl::StatusOr<os::UniqueFd> fd = ConnectTo(*address, host, deadline, clock);
    if (fd.ok()) return fd;
    last = std::move(fd).status();
    if (absl::IsDeadlineExceeded(last)) break;
  }
  return last;
}

}  // namespace grange::ssh
