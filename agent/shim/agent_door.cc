#include "agent/shim/agent_door.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace grange::shim {
namespace {

bool IsTrusted(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == geteuid() || peer.uid == 0;
}

void Send(int fd, const ShimMessage& message) {
  // Small enough for the kernel to take it whole or not at all; an agent that has gone shows when
  // its socket is read.
  send(fd, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

void AgentDoor::Listen() {
  OwnedFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Relative: a path of more than 107 bytes would not fit.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "sock");
  unlink("sock");  // the job's, if anybody's
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), kAgentsMax) != 0) {
    return;  // the job goes on without ever an agent; its result is read from the folder
  }
  listener_ = std::move(listener);
}

void AgentDoor::Seat(OwnedFd fd) {
  const auto place = std::find_if(agents_.begin(), agents_.end(),
                                  [](const Agent& agent) { return !agent.fd.is_open(); });
  if (place == agents_.end()) return;
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  *place = Agent{std::move(fd), {}};
}

bool AgentDoor::has_agent() const {
  return std::any_of(agents_.begin(), agents_.end(),
                     [](const Agent& agent) { return agent.fd.is_open(); });
}

void AgentDoor::Accept(uint64_t log_bytes) {
  OwnedFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.is_open() || !IsTrusted(fd.get())) return;
  Send(fd.get(), {.kind = ShimMessage::kOutput, .value = log_bytes});
  Seat(std::move(fd));
}

std::vector<ShimMessage> AgentDoor::Read(size_t place) {
  Agent& agent = agents_[place];
  std::vector<ShimMessage> messages;
  std::array<char, 64 * sizeof(ShimMessage)> bytes;
  const ssize_t got = recv(agent.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return messages;
  if (got <= 0) {
    agent = Agent{};
    if (!has_agent() && !listener_.is_open()) Listen();
    return messages;
  }
  agent.reader.Add({bytes.data(), static_cast<size_t>(got)});
  ShimMessage message;
  while (agent.reader.Next(&message)) messages.push_back(message);
  return messages;
}

void AgentDoor::TellOutput(uint64_t log_bytes) {
  for (const Agent& agent : agents_) {
    int unread = 0;
    if (!agent.fd.is_open()) continue;
    if (ioctl(agent.fd.get(), SIOCOUTQ, &unread) == 0 && unread > 0) continue;
    Send(agent.fd.get(), {.kind = ShimMessage::kOutput, .value = log_bytes});
  }
}

void AgentDoor::Tell(const ShimMessage& message) {
  for (const Agent& agent : agents_) {
    if (agent.fd.is_open()) Send(agent.fd.get(), message);
  }
}

}  // namespace grange::shim
