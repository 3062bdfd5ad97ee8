#include "coordinator/session/git_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {
namespace {

constexpr size_t kErrorTextMax = 16 << 10;

using Stream = grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>;

void SetBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

// Peer -> git, on a thread of its own, until the peer has no more.
void PumpIn(Stream& stream, int socket) {
  v1::GitBytes message;
  while (stream.Read(&message)) {
    absl::string_view rest = message.data();
    while (!rest.empty()) {
      const ssize_t put = send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) break;  // git has ended; go on reading until the peer has heard of it
      rest.remove_prefix(static_cast<size_t>(put));
    }
    if (message.end()) break;
  }
  shutdown(socket, SHUT_WR);
}

}  // namespace

grpc::Status PumpGit(source::GitMirrors& mirrors, ProjectId project,
                     source::GitMirrors::Service service, Stream& stream) {
  absl::StatusOr<source::GitMirrors::Running> running = mirrors.Serve(project, service);
  if (!running.ok()) return rpc::ToGrpc(running.status());
  const int socket = running->socket.get();
  SetBlocking(socket);
  std::thread in([&stream, socket] { PumpIn(stream, socket); });

  // git -> peer, here, until git has closed both of its outputs.
  v1::GitBytes message;
  std::string error_text;
  std::string buffer(rpc::kFilePartMax, '\0');
  bool out_open = true, error_open = true, peer_there = true;
  while (out_open || error_open) {
    pollfd fds[2] = {{out_open ? socket : -1, POLLIN, 0},
                     {error_open ? running->error.get() : -1, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[0].revents != 0) {
      const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
      out_open = got > 0 || (got < 0 && errno == EINTR);
      if (got > 0) {
        message.set_data(buffer.data(), static_cast<size_t>(got));
        peer_there = stream.Write(message);
      }
    }
    if (fds[1].revents != 0) {
      const ssize_t got = read(running->error.get(), buffer.data(), buffer.size());
      error_open = got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
      if (got > 0 && error_text.size() < kErrorTextMax) {
        error_text.append(buffer.data(), static_cast<size_t>(got));
      }
    }
    if (!peer_there) {
      running->child.Kill(SIGTERM);
      shutdown(socket, SHUT_RDWR);
    }
  }
  const os::ExitStatus status = running->child.Wait();
  v1::GitBytes last;
  last.set_end(true);
  last.set_exit_code(status.exit_code);
  last.set_error_text(error_text);
  stream.Write(last);
  if (!status.ok()) {
    log::Warning("git_failed",
                 {{"project", project}, {"status", status.ToString()}, {"said", error_text}});
  }
  shutdown(socket, SHUT_RDWR);
  in.join();
  return grpc::Status::OK;
}

}  // namespace grange::session
