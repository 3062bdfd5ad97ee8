#include "agent/exec/shim_start.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "agent/shim/shim_message.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"

namespace grange::exec {
namespace {

constexpr int kSocketInShim = 3;

// The attributes and file actions of posix_spawn, released together.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
};

void Fill(int socket, SpawnPlan* plan) {
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&plan->attributes, &all);
  posix_spawnattr_setsigmask(&plan->attributes, &none);
  posix_spawnattr_setflags(&plan->attributes,
                           POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  // First, as opening the others may not take its number: they are all below it.
  posix_spawn_file_actions_adddup2(&plan->actions, socket, kSocketInShim);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&plan->actions, fd, "/dev/null", O_RDWR, 0);
  }
  posix_spawn_file_actions_addclosefrom_np(&plan->actions, kSocketInShim + 1);
}

// Waits until `events` or the deadline.
absl::Status Await(int socket, short events, absl::Duration deadline) {
  const os::RealClock clock;
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - clock.SinceBoot());
    pollfd slot = {.fd = socket, .events = events, .revents = 0};
    const int ready = poll(&slot, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return os::ErrnoStatus(errno, "cannot wait for", "shim");
    if (ready == 0 && left <= 0) {
      return absl::DeadlineExceededError("grange-shim did not take the job over in time");
    }
  }
}

absl::Status SendAll(int socket, absl::string_view bytes, absl::Duration deadline) {
  while (!bytes.empty()) {
    const ssize_t put = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) {
      bytes.remove_prefix(static_cast<size_t>(put));
      continue;
    }
    if (errno == EINTR) continue;
    // It may have refused before it had read everything: what it said is still to be read.
    if (errno == EPIPE || errno == ECONNRESET) return absl::OkStatus();
    if (errno != EAGAIN) return os::ErrnoStatus(errno, "cannot hand the job to", "grange-shim");
    if (absl::Status ready = Await(socket, POLLOUT, deadline); !ready.ok()) return ready;
  }
  return absl::OkStatus();
}

absl::Status ReceiveMessage(int socket, absl::Duration deadline, shim::ShimMessage* message) {
  std::array<char, sizeof *message> bytes;
  size_t have = 0;
  while (have < bytes.size()) {
    if (absl::Status ready = Await(socket, POLLIN, deadline); !ready.ok()) return ready;
    const ssize_t got = recv(socket, bytes.data() + have, bytes.size() - have, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return absl::UnavailableError("grange-shim ended before it took the job over");
    have += static_cast<size_t>(got);
  }
  std::memcpy(message, bytes.data(), bytes.size());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StartedShim> StartShim(const std::string& program, const std::string& job_dir) {
  std::array<int, 2> pair = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return os::ErrnoStatus(errno, "cannot make a socket for the job in", job_dir);
  }
  StartedShim started{.pid = -1, .socket = os::UniqueFd(pair[0])};
  const os::UniqueFd theirs(pair[1]);
  SpawnPlan plan;
  Fill(theirs.get(), &plan);
  const std::array<const char*, 3> argv = {program.c_str(), job_dir.c_str(), nullptr};
  const std::array<char*, 1> envp = {nullptr};
  const int error = posix_spawn(&started.pid, program.c_str(), &plan.actions, &plan.attributes,
                                const_cast<char* const*>(argv.data()), envp.data());
  if (error != 0) return os::ErrnoStatus(error, "cannot start", program);
  return started;
}

absl::StatusOr<uint64_t> HandOver(int socket, const std::string& frame, const std::string& job_dir,
                                  absl::Duration timeout) {
  const absl::Duration deadline = os::RealClock().SinceBoot() + timeout;
  if (absl::Status sent = SendAll(socket, frame, deadline); !sent.ok()) return sent;
  shim::ShimMessage answer;
  if (absl::Status got = ReceiveMessage(socket, deadline, &answer); !got.ok()) return got;
  if (answer.kind == shim::ShimMessage::kTaken) return answer.value;
  if (answer.kind != shim::ShimMessage::kRefused) {
    return absl::InternalError(absl::StrCat("grange-shim answered with message ", answer.kind));
  }
  const std::string_view what = shim::SetupStepText(static_cast<shim::SetupStep>(answer.detail));
  return os::ErrnoStatus(static_cast<int>(answer.value),
                         absl::StrCat("grange-shim ", absl::string_view(what.data(), what.size())),
                         job_dir);
}

}  // namespace grange::exec
