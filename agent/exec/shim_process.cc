#include "agent/exec/shim_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/exec/leftovers.h"
#include "agent/exec/shim_start.h"
#include "agent/shim/process_stat.h"
#include "agent/shim/run_spec.h"
#include "agent/shim/shim_message.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::exec {
namespace {

using shim::ShimMessage;

constexpr absl::Duration kHandOverTimeout = absl::Seconds(10);
constexpr absl::Duration kReconnectDelay = absl::Milliseconds(50);
constexpr int kReconnectsMax = 100;
constexpr absl::Duration kLeftoversDelay = absl::Milliseconds(10);
constexpr int kLeftoverRoundsMax = 190;  // with the delay: a little less than the 2 s promised

uint64_t ToMillis(absl::Duration duration) {
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Milliseconds(duration), 0));
}

std::string ToFrame(const ShimRun& run, const std::string& boot_id) {
  return shim::EncodeRunSpec({.shell = run.shell,
                              .script = run.script,
                              .after_script = run.after_script,
                              .env = run.env,
                              .masks = run.masks,
                              .cwd = run.cwd,
                              .boot_id = boot_id,
                              .trace_prefix = run.trace_prefix,
                              .timeout_ms = ToMillis(run.timeout),
                              .after_script_timeout_ms = ToMillis(run.after_script_timeout),
                              .stop_grace_ms = ToMillis(run.stop_grace),
                              .lease_until_ms = ToMillis(run.lease_until),
                              .trace_limit_bytes = run.trace_limit_bytes,
                              .stop_on_disconnect = run.stop_on_disconnect,
                              .sync_log = run.sync_log,
                              .fail_at_trace_limit = run.fail_at_trace_limit,
                              .disk_patience_ms = ToMillis(run.disk_patience),
                              .cgroups = run.cgroup.folders(),
                              .memory_limit_bytes = run.cgroup.limits().memory_bytes,
                              .pids_limit = run.cgroup.limits().pids,
                              .user = run.user,
                              .no_new_privs = run.no_new_privs});
}

os::UniqueFd OpenPidfd(pid_t pid) {
  return os::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

// Not open if nobody listens there.
os::UniqueFd ConnectToShim(const std::string& job_dir) {
  const os::UniqueFd folder(open(job_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  os::UniqueFd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!folder.is_open() || !socket_fd.is_open()) return os::UniqueFd();
  // Through the open folder: its own path may be longer than the 107 bytes of an address.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = absl::StrCat("/proc/self/fd/", folder.get(), "/sock");
  std::copy(path.begin(), path.end(), address.sun_path);
  if (connect(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return os::UniqueFd();
  }
  return socket_fd;
}

class RunningShim : public ShimProcess {
 public:
  RunningShim(os::EventLoop& loop, std::string job_dir, ProcessKey key, Callbacks callbacks,
              os::UniqueFd pidfd, os::UniqueFd socket)
      : loop_(loop),
        job_dir_(std::move(job_dir)),
        key_(std::move(key)),
        callbacks_(std::move(callbacks)),
        pidfd_(std::move(pidfd)) {
    loop_.Watch(pidfd_.get(), EPOLLIN, [this](uint32_t) { OnEnded(); });
    UseSocket(std::move(socket));
  }

  ~RunningShim() override {
    loop_.Cancel(timer_);
    DropSocket();
    if (pidfd_.is_open()) loop_.Unwatch(pidfd_.get());
  }

  const ProcessKey& key() const override { return key_; }

  void Cancel(absl::Duration grace, bool force) override {
    cancel_ = ShimMessage{
        .kind = ShimMessage::kCancel, .detail = force ? 1U : 0U, .value = ToMillis(grace)};
    if (socket_.is_open()) return SendWishes();
    // Nobody to tell it to: by force it ends with its shim, and what is left is cleared away.
    if (force && pidfd_.is_open()) {
      syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    }
  }

  void EndForDrain(absl::Duration grace) override {
    drained_ = ShimMessage{.kind = ShimMessage::kDrained, .value = ToMillis(grace)};
    SendWishes();
  }

  void ExtendLease(absl::Duration since_boot) override {
    lease_ = ShimMessage{.kind = ShimMessage::kLease, .value = ToMillis(since_boot)};
    SendWishes();
  }

  void Pause(bool on) override {
    // One that was never paused need not be told that it is not.
    if (!on && !pause_.has_value()) return;
    pause_ = ShimMessage{.kind = ShimMessage::kPause, .detail = on ? 1U : 0U};
    SendWishes();
  }

  void FailDiskFull(uint64_t bytes, bool into_work_tree) override {
    disk_full_ = ShimMessage{
        .kind = ShimMessage::kDiskFull, .detail = into_work_tree ? 1U : 0U, .value = bytes};
    SendWishes();
  }

 private:
  void UseSocket(os::UniqueFd socket) {
    if (!socket.is_open()) return ReconnectLater();
    socket_ = std::move(socket);
    loop_.Watch(socket_.get(), EPOLLIN, [this](uint32_t) { OnSocket(); });
    SendWishes();
  }

  void DropSocket() {
    if (!socket_.is_open()) return;
    loop_.Unwatch(socket_.get());
    socket_.Reset();
  }

  void ReconnectLater() {
    if (++reconnects_ > kReconnectsMax) return;  // its end is still noticed
    timer_ = loop_.After(kReconnectDelay, [this] { UseSocket(ConnectToShim(job_dir_)); });
  }

  // Each may be told as often as one likes, so what could not be sent is simply sent
  // again. A shim reads at once; if its buffer were full, it would be stopped.
  void SendWishes() {
    if (!socket_.is_open()) return;
    for (std::optional<ShimMessage>* const wish :
         {&lease_, &pause_, &disk_full_, &drained_, &cancel_}) {
      if (!wish->has_value()) continue;
      const ssize_t put = send(socket_.get(), &**wish, sizeof **wish, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put != static_cast<ssize_t>(sizeof **wish)) {
        loop_.Rewatch(socket_.get(), EPOLLIN | EPOLLOUT);
        return;
      }
    }
    loop_.Rewatch(socket_.get(), EPOLLIN);
  }

  void OnSocket() {
    // What the messages say is in the log's size already; so they only wake.
    std::array<char, 64 * sizeof(ShimMessage)> bytes;
    const ssize_t got = recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return SendWishes();
    if (got <= 0) {
      DropSocket();
      return ReconnectLater();
    }
    reconnects_ = 0;
    const std::function<void()> on_output = callbacks_.on_output;  // it may destroy this object
    if (on_output) on_output();
  }

  void OnEnded() {
    loop_.Cancel(timer_);
    DropSocket();
    loop_.Unwatch(pidfd_.get());
    pidfd_.Reset();
    waitpid(key_.pid, nullptr, WNOHANG);  // fails for one that an earlier agent process started
    ClearLeftovers();
  }

  // A shim that came to its end has left nothing as a rule: but its last processes may be in its
  // cgroup for a moment longer.
  void ClearLeftovers() {
    absl::StatusOr<ShimResult> result = ReadShimResult(job_dir_);
    const bool clean = (result.ok() || KillLeftovers(job_dir_) == 0) && RemoveCgroupOf(job_dir_);
    if (clean || ++leftover_rounds_ >= kLeftoverRoundsMax) {
      return TellEnd(result.ok() ? std::optional(*std::move(result)) : std::nullopt);
    }
    timer_ = loop_.After(kLeftoversDelay, [this] { ClearLeftovers(); });
  }

  void TellEnd(std::optional<ShimResult> result) {
    const auto on_end = callbacks_.on_end;  // it may destroy this object
    if (on_end) on_end(std::move(result));
  }

  os::EventLoop& loop_;
  const std::string job_dir_;
  const ProcessKey key_;
  const Callbacks callbacks_;
  os::UniqueFd pidfd_;
  os::UniqueFd socket_;
  std::optional<ShimMessage> cancel_;
  std::optional<ShimMessage> lease_;
  std::optional<ShimMessage> pause_;
  std::optional<ShimMessage> disk_full_;
  std::optional<ShimMessage> drained_;
  os::EventLoop::TimerId timer_ = 0;
  int reconnects_ = 0;
  int leftover_rounds_ = 0;
};

// The shim is dead or was never started: nobody waits for it but us.
void EndShim(pid_t pid) {
  kill(pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShimProcess>> ShimProcess::Launch(os::EventLoop& loop,
                                                                 const std::string& shim_program,
                                                                 const std::string& job_dir,
                                                                 const ShimRun& run,
                                                                 Callbacks callbacks) {
  absl::StatusOr<StartedShim> started = StartShim(shim_program, job_dir);
  if (!started.ok()) return started.status();
  const std::string boot_id = BootId();
  const absl::StatusOr<uint64_t> start_time =
      HandOver(started->socket.get(), ToFrame(run, boot_id), job_dir, kHandOverTimeout);
  os::UniqueFd pidfd = OpenPidfd(started->pid);
  if (!start_time.ok() || !pidfd.is_open()) {
    const int error = errno;
    EndShim(started->pid);
    if (!start_time.ok()) return start_time.status();
    return os::ErrnoStatus(error, "cannot watch process", absl::StrCat(started->pid));
  }
  return std::make_unique<RunningShim>(
      loop, job_dir, ProcessKey{.pid = started->pid, .start_time = *start_time, .boot_id = boot_id},
      std::move(callbacks), std::move(pidfd), std::move(started->socket));
}

absl::StatusOr<std::unique_ptr<ShimProcess>> ShimProcess::Adopt(os::EventLoop& loop,
                                                                const std::string& job_dir,
                                                                const ProcessKey& key,
                                                                Callbacks callbacks) {
  const absl::Status gone = absl::NotFoundError(
      absl::StrCat("the shim of the job in '", job_dir, "', process ", key.pid, ", has ended"));
  if (key.boot_id != BootId()) return gone;  // and with the machine all that it had started
  os::UniqueFd pidfd = OpenPidfd(key.pid);
  const std::optional<shim::ProcessStat> stat = shim::ReadProcessStat(key.pid);
  if (pidfd.is_open() && stat && stat->start_time == key.start_time && stat->state != 'Z') {
    return std::make_unique<RunningShim>(loop, job_dir, key, std::move(callbacks), std::move(pidfd),
                                         ConnectToShim(job_dir));
  }
  if (!ReadShimResult(job_dir).ok()) {
    for (int round = 0; round < kLeftoverRoundsMax && KillLeftovers(job_dir) > 0; ++round) {
    }
  }
  RemoveCgroupOf(job_dir);  // what is still there is swept when an agent starts
  return gone;
}

}  // namespace grange::exec
