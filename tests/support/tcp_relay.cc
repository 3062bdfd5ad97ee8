#include "tests/support/tcp_relay.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/string_view.h"
#include "common/os/files.h"

namespace grange::test {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// Moves what is there; false at the end of either side.
bool Move(int from, int to) {
  char buffer[16 << 10];
  const ssize_t got = read(from, buffer, sizeof buffer);
  if (got <= 0) return false;
  return os::WriteAll(to, absl::string_view(buffer, static_cast<size_t>(got))).ok();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpRelay>> TcpRelay::Start(uint16_t to_port) {
  std::unique_ptr<TcpRelay> relay(new TcpRelay);
  relay->freeze_event_.Reset(eventfd(0, EFD_CLOEXEC));
  relay->listener_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(relay->listener_.get(), generic, size) != 0 || listen(relay->listener_.get(), 4) != 0 ||
      getsockname(relay->listener_.get(), generic, &size) != 0) {
    return os::ErrnoStatus(errno, "cannot listen on", "127.0.0.1");
  }
  relay->port_ = ntohs(address.sin_port);
  relay->thread_ = std::thread([self = relay.get(), to_port] { self->Pass(to_port); });
  return relay;
}

TcpRelay::~TcpRelay() { Freeze(); }

void TcpRelay::Freeze() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  (void)!write(freeze_event_.get(), &one, sizeof one);
  thread_.join();
}

void TcpRelay::Pass(uint16_t to_port) {
  for (;;) {
    // poll() passes over descriptors that are negative: before a connection comes, both ends.
    pollfd waited[4] = {{.fd = freeze_event_.get(), .events = POLLIN, .revents = 0},
                        {.fd = listener_.get(), .events = POLLIN, .revents = 0},
                        {.fd = near_.get(), .events = POLLIN, .revents = 0},
                        {.fd = far_.get(), .events = POLLIN, .revents = 0}};
    if (poll(waited, 4, -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (waited[0].revents != 0) return;
    if (waited[1].revents != 0) {
      near_.Reset(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      far_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_in address = Loopback(to_port);
      if (connect(far_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return;
      }
      listener_.Reset();
    }
    const bool near_ended = waited[2].revents != 0 && !Move(near_.get(), far_.get());
    const bool far_ended = waited[3].revents != 0 && !Move(far_.get(), near_.get());
    if (near_ended || far_ended) {
      near_.Reset();
      far_.Reset();
      return;
    }
  }
}

}  // namespace grange::test
