#include "tests/support/sshd.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <shadow.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::test {
namespace {

constexpr absl::Duration kStartLimit = absl::Seconds(20);
constexpr int kPortTries = 5;

absl::StatusOr<uint16_t> FreePort() {
  os::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return os::ErrnoStatus(errno, "cannot find a free port on", "127.0.0.1");
  }
  return ntohs(address.sin_port);
}

absl::StatusOr<std::string> FindSshd() {
  for (const char* path : {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"}) {
    if (os::Exists(path)) return std::string(path);
  }
  return absl::NotFoundError("there is no sshd; run tools/dev/setup");
}

// Without PAM sshd refuses an account whose password is locked, though no password is used.
bool RootIsLocked() {
  if (geteuid() != 0) return false;
  const spwd* entry = getspnam("root");
  return entry != nullptr && absl::StartsWith(entry->sp_pwdp, "!");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrivateSshd>> PrivateSshd::Start() {
  std::unique_ptr<PrivateSshd> sshd(new PrivateSshd);
  GRANGE_ASSIGN_OR_RETURN(sshd->folder_, os::MakeTempDir("grange-sshd-"));
  const passwd* account = getpwuid(geteuid());
  if (account == nullptr) return absl::NotFoundError("this process' user has no account");
  sshd->user_ = account->pw_name;
  if (geteuid() == 0) GRANGE_RETURN_IF_ERROR(os::MakeDirs("/run/sshd", 0755));

  GRANGE_RETURN_IF_ERROR(sshd->MakeKey("ed25519", "host_key").status());
  GRANGE_ASSIGN_OR_RETURN(const std::string user_key, sshd->MakeKey("ed25519", "user_key"));
  GRANGE_ASSIGN_OR_RETURN(const std::string public_key, os::ReadFile(user_key + ".pub"));
  GRANGE_RETURN_IF_ERROR(os::WriteFile(os::JoinPath(sshd->folder_, "authorized_keys"), public_key));

  absl::Status started;
  for (int i = 0; i < kPortTries; ++i) {
    GRANGE_ASSIGN_OR_RETURN(const uint16_t port, FreePort());
    started = sshd->StartOnPort(port);
    if (!absl::IsUnavailable(started)) break;
  }
  GRANGE_RETURN_IF_ERROR(started);
  return sshd;
}

PrivateSshd::~PrivateSshd() {
  Stop();
  if (!folder_.empty()) os::RemoveTree(folder_).IgnoreError();  // a temporary folder may stay
}

absl::StatusOr<std::string> PrivateSshd::PrivateKey() const {
  return os::ReadFile(os::JoinPath(folder_, "user_key"));
}

absl::StatusOr<std::string> PrivateSshd::HostKey() const {
  GRANGE_ASSIGN_OR_RETURN(const std::string line,
                          os::ReadFile(os::JoinPath(folder_, "host_key.pub")));
  return std::string(absl::StripSuffix(line, "\n"));
}

absl::StatusOr<std::string> PrivateSshd::MakeKey(absl::string_view type,
                                                 absl::string_view name) const {
  const std::string path = os::JoinPath(folder_, name);
  os::ChildOptions keygen;
  keygen.argv = {"ssh-keygen", "-q", "-t", std::string(type), "-N", "", "-f", path};
  GRANGE_ASSIGN_OR_RETURN(const os::RunResult made, os::Run(std::move(keygen)));
  if (!made.status.ok()) {
    return absl::UnavailableError(
        absl::StrCat("ssh-keygen: ", made.status.ToString(), ": ", made.err));
  }
  return path;
}

std::string PrivateSshd::Log() {
  base::MutexLock lock(mu_);
  return log_;
}

absl::Status PrivateSshd::WriteConfig() const {
  return os::WriteFile(
      os::JoinPath(folder_, "sshd_config"),
      absl::StrCat("ListenAddress 127.0.0.1:", port_, "\nHostKey ", folder_,
                   "/host_key\nAuthorizedKeysFile ", folder_,
                   "/authorized_keys\nPidFile none\nStrictModes no\nUsePAM ",
                   RootIsLocked() ? "yes" : "no",
                   "\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                   "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"));
}

absl::Status PrivateSshd::StartOnPort(uint16_t port) {
  Stop();
  port_ = port;
  GRANGE_RETURN_IF_ERROR(WriteConfig());
  GRANGE_ASSIGN_OR_RETURN(const std::string program, FindSshd());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return os::ErrnoStatus(errno, "cannot make", "pipe");
  log_pipe_.Reset(ends[0]);
  const os::UniqueFd write_end(ends[1]);
  stop_event_.Reset(eventfd(0, EFD_CLOEXEC));
  // sshd executes itself again for each connection and so wants its whole path.
  os::ChildOptions options;
  options.argv = {program, "-D", "-e", "-f", os::JoinPath(folder_, "sshd_config")};
  options.stderr_fd = write_end.get();
  GRANGE_ASSIGN_OR_RETURN(os::Child child, os::Child::Start(options));
  child_ = std::make_unique<os::Child>(std::move(child));
  {
    base::MutexLock lock(mu_);
    log_.clear();
    log_ended_ = false;
  }
  log_thread_ = std::thread([this] { CollectLog(); });

  base::MutexLock lock(mu_);
  while (!absl::StrContains(log_, "Server listening on")) {
    if (log_ended_ || (child_->TryWait().has_value())) {
      return absl::UnavailableError(absl::StrCat("sshd ended at once: ", log_));
    }
    if (changed_.WaitWithTimeout(mu_, kStartLimit)) {
      return absl::DeadlineExceededError(absl::StrCat("sshd does not start: ", log_));
    }
  }
  return absl::OkStatus();
}

void PrivateSshd::CollectLog() {
  char buffer[4096];
  for (;;) {
    pollfd waited[2] = {{.fd = log_pipe_.get(), .events = POLLIN, .revents = 0},
                        {.fd = stop_event_.get(), .events = POLLIN, .revents = 0}};
    if (poll(waited, 2, -1) < 0 && errno != EINTR) break;
    if (waited[1].revents != 0) break;
    if (waited[0].revents == 0) continue;
    const ssize_t got = read(log_pipe_.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    base::MutexLock lock(mu_);
    log_.append(buffer, static_cast<size_t>(got));
    changed_.SignalAll();
  }
  base::MutexLock lock(mu_);
  log_ended_ = true;
  changed_.SignalAll();
}

void PrivateSshd::Stop() {
  child_.reset();  // kills its group; what logs in has a group and a life of its own
  if (log_thread_.joinable()) {
    const uint64_t one = 1;
    (void)!write(stop_event_.get(), &one, sizeof one);
    log_thread_.join();
  }
}

}  // namespace grange::test
