#include "tests/support/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/os/files.h"

namespace grange::test {
namespace {

// Bytes of one direction of one connection that wait here; then the sender has to.
constexpr size_t kWaitingMax = 256 << 10;

sockaddr_in AddressOf(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  address.sin_port = htons(port);
  return address;
}

void SendAtOnce(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// The end is seen as a reset, as of a machine that forgot the connection.
void EndWithReset(int fd) {
  const linger none{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

}  // namespace

// One direction of a connection.
struct TcpProxy::Flow {
  struct Piece {
    std::string bytes;
    absl::Time due;
  };
  int from = -1, to = -1;
  std::deque<Piece> waiting;
  size_t waiting_bytes = 0;
  bool ended = false;  // nothing more comes; said onwards when all that waits is through
};

struct TcpProxy::Connection {
  os::UniqueFd client, server;
  Flow to_server, to_client;
};

absl::StatusOr<std::unique_ptr<TcpProxy>> TcpProxy::Start(uint16_t to_port,
                                                          const std::string& address) {
  std::unique_ptr<TcpProxy> proxy(new TcpProxy);
  proxy->to_port_ = to_port;
  proxy->wake_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  proxy->listener_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in bound = AddressOf(address, 0);
  socklen_t size = sizeof bound;
  auto* const generic = reinterpret_cast<sockaddr*>(&bound);
  if (bind(proxy->listener_.get(), generic, size) != 0 || listen(proxy->listener_.get(), 64) != 0 ||
      getsockname(proxy->listener_.get(), generic, &size) != 0) {
    return os::ErrnoStatus(errno, "cannot listen on", address);
  }
  proxy->port_ = ntohs(bound.sin_port);
  proxy->thread_ = std::thread([self = proxy.get()] { self->Run(); });
  return proxy;
}

TcpProxy::~TcpProxy() {
  {
    base::MutexLock lock(mu_);
    stopping_ = true;
  }
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void TcpProxy::Pass() { Set({}); }
void TcpProxy::Cut() { Set({.cut = true, .delay = absl::ZeroDuration(), .bytes_left = {}}); }
void TcpProxy::Hold(Direction direction) {
  Set({.hold_to_server = direction != Direction::kToClient,
       .hold_to_client = direction != Direction::kToServer,
       .delay = absl::ZeroDuration(),
       .bytes_left = {}});
}
void TcpProxy::Delay(absl::Duration by) { Set({.delay = by, .bytes_left = {}}); }
void TcpProxy::CutAfter(uint64_t bytes) {
  Set({.delay = absl::ZeroDuration(), .bytes_left = bytes});
}

void TcpProxy::Set(const Mode& mode) {
  {
    base::MutexLock lock(mu_);
    mode_ = mode;
    // Also if it is healed again before the thread has looked.
    if (mode.cut) drop_all_ = true;
  }
  eventfd_write(wake_.get(), 1);
}

size_t TcpProxy::Grant(size_t wanted) {
  base::MutexLock lock(mu_);
  if (!mode_.bytes_left.has_value()) return wanted;
  const size_t granted = std::min<uint64_t>(wanted, *mode_.bytes_left);
  *mode_.bytes_left -= granted;
  return granted;
}

bool TcpProxy::UsedUp() {
  base::MutexLock lock(mu_);
  if (mode_.bytes_left != uint64_t{0}) return false;
  mode_.bytes_left.reset();
  return true;
}

void TcpProxy::Accept() {
  os::UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.is_open()) return;
  os::UniqueFd server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in to = AddressOf("127.0.0.1", to_port_);
  // On loopback this is at once one or the other. Where nobody listens the client sees its end.
  if (connect(server.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    EndWithReset(client.get());
    return;
  }
  SendAtOnce(client.get());
  SendAtOnce(server.get());
  Connection& connection = connections_.emplace_back();
  connection.to_server.from = connection.to_client.to = client.get();
  connection.to_server.to = connection.to_client.from = server.get();
  connection.client = std::move(client);
  connection.server = std::move(server);
}

bool TcpProxy::Move(Flow& flow, bool held, absl::Duration delay) {
  const absl::Time now = absl::Now();
  char buffer[32 << 10];
  while (!held && !flow.ended && flow.waiting_bytes < kWaitingMax) {
    const ssize_t got = recv(flow.from, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0) return false;
    if (got == 0) {
      flow.ended = true;
      break;
    }
    const size_t granted = Grant(static_cast<size_t>(got));
    flow.waiting.push_back({std::string(buffer, granted), now + delay});
    flow.waiting_bytes += granted;
    if (granted < static_cast<size_t>(got)) break;
  }
  while (!held && !flow.waiting.empty() && flow.waiting.front().due <= now) {
    std::string& bytes = flow.waiting.front().bytes;
    const ssize_t put =
        bytes.empty() ? 0 : send(flow.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && errno == EAGAIN) break;
    if (put < 0) return false;
    flow.waiting_bytes -= static_cast<size_t>(put);
    bytes.erase(0, static_cast<size_t>(put));
    if (!bytes.empty()) break;
    flow.waiting.pop_front();
  }
  // gRPC ends both directions at once: there is nothing to win in passing on half an end.
  return !(flow.ended && flow.waiting.empty());
}

bool TcpProxy::Serve(Connection& connection, const Mode& mode) {
  const bool goes_on = Move(connection.to_server, mode.hold_to_server, mode.delay) &&
                       Move(connection.to_client, mode.hold_to_client, mode.delay);
  if (!goes_on) EndWithReset(connection.client.get());
  return goes_on;
}

void TcpProxy::Run() {
  for (;;) {
    Mode mode;
    bool drop_all = false;
    {
      base::MutexLock lock(mu_);
      if (stopping_) return;
      mode = mode_;
      drop_all = std::exchange(drop_all_, false);
    }
    if (drop_all || mode.cut) {
      for (const Connection& connection : connections_) {
        EndWithReset(connection.client.get());
        EndWithReset(connection.server.get());
      }
      connections_.clear();
    }
    connections_.remove_if([&](Connection& connection) { return !Serve(connection, mode); });
    if (UsedUp()) {
      connections_.clear();
      ++cuts_;
    }

    std::vector<pollfd> waited = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    absl::Time next = absl::InfiniteFuture();
    const auto watch = [&](const Flow& flow, bool held) {
      if (held) return;
      if (!flow.ended && flow.waiting_bytes < kWaitingMax) waited.push_back({flow.from, POLLIN, 0});
      if (flow.waiting.empty()) return;
      if (flow.waiting.front().due <= absl::Now()) {
        waited.push_back({flow.to, POLLOUT, 0});
      } else {
        next = std::min(next, flow.waiting.front().due);
      }
    };
    for (const Connection& connection : connections_) {
      watch(connection.to_server, mode.hold_to_server);
      watch(connection.to_client, mode.hold_to_client);
    }
    const int64_t wait_ms =
        next == absl::InfiniteFuture()
            ? -1
            : std::max<int64_t>(0, absl::ToInt64Milliseconds(next - absl::Now()) + 1);
    poll(waited.data(), waited.size(), static_cast<int>(wait_ms));
    if (waited[0].revents != 0) {
      eventfd_t ignored;
      eventfd_read(wake_.get(), &ignored);
    }
    if (waited[1].revents == 0) continue;
    if (mode.cut) {
      const os::UniqueFd refused(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      EndWithReset(refused.get());
    } else {
      Accept();
    }
  }
}

}  // namespace grange::test
