// grange-shim JOB_FOLDER, started by grange-agent with a socket as descriptor 3: supervises one
// job until its end, with or without an agent. See docs/formats/shim-socket.md.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "agent/shim/supervisor.h"

namespace grange::shim {
namespace {

constexpr int kAgentFd = 3;
constexpr int kExitUsage = 2;
constexpr int kExitRefused = 3;
constexpr int kExitNoResult = 4;

// Neither a debugger nor a core file of ours shows the secrets that we are about to read. What the
// agent's terminal or service manager sends to it is not meant for us.
void Seclude() {
  prctl(PR_SET_DUMPABLE, 0);
  rlimit core{};
  if (getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = 0;  // the hard limit stays: a job may raise its own again
    setrlimit(RLIMIT_CORE, &core);
  }
  setsid();
  for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) signal(number, SIG_IGN);
}

bool ReadExactly(int fd, char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t got = read(fd, bytes, count);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return false;
    bytes += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

std::optional<RunSpec> ReadRun(int fd) {
  std::string bytes(kRunSpecHeaderBytes, '\0');
  if (!ReadExactly(fd, bytes.data(), bytes.size())) return std::nullopt;
  const std::optional<uint64_t> body_bytes = RunSpecBodyBytes(bytes);
  errno = EPROTO;
  if (!body_bytes) return std::nullopt;
  bytes.resize(*body_bytes);
  if (!ReadExactly(fd, bytes.data(), bytes.size())) return std::nullopt;
  errno = EPROTO;
  return DecodeRunSpecBody(bytes);
}

// A signalfd for SIGCHLD.
OwnedFd WatchChildren() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &child, nullptr) != 0) return OwnedFd();
  return OwnedFd(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
}

int Refuse(int agent, SetupStep step, int error) {
  const ShimMessage message = {.kind = ShimMessage::kRefused,
                               .detail = static_cast<uint32_t>(step),
                               .value = static_cast<uint64_t>(error)};
  send(agent, &message, sizeof message, MSG_NOSIGNAL);
  return kExitRefused;
}

int Main(const char* folder_path) {
  const mode_t job_umask = umask(077);
  Seclude();
  OwnedFd agent(kAgentFd);
  fcntl(kAgentFd, F_SETFD, FD_CLOEXEC);

  std::optional<RunSpec> spec = ReadRun(kAgentFd);
  if (!spec) return Refuse(kAgentFd, SetupStep::kReadRun, errno);
  JobFolder folder;
  int error = folder.Enter(folder_path);
  if (error != 0) return Refuse(kAgentFd, SetupStep::kEnterFolder, error);
  // Before it touches anything else there: the folder may belong to another shim.
  error = folder.Claim(spec->boot_id);
  if (error != 0) return Refuse(kAgentFd, SetupStep::kClaimFolder, error);
  OwnedFd log = folder.OpenLog();
  if (!log.is_open()) return Refuse(kAgentFd, SetupStep::kOpenLog, errno);
  OwnedFd signals = WatchChildren();
  BootTimer timer;
  if (!signals.is_open() || timer.Open() != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return Refuse(kAgentFd, SetupStep::kWatch, errno);
  }
  Spool spool(std::move(log), spec->trace_limit_bytes, spec->masks);
  AgentDoor door;
  door.Seat(std::move(agent));
  door.Tell({.kind = ShimMessage::kTaken, .value = folder.start_time()});
  Supervisor supervisor({.spec = std::move(*spec),
                         .folder = std::move(folder),
                         .spool = std::move(spool),
                         .door = std::move(door),
                         .timer = std::move(timer),
                         .signals = std::move(signals),
                         .umask = job_umask});
  return supervisor.Run() == 0 ? 0 : kExitNoResult;
}

}  // namespace
}  // namespace grange::shim

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts("grange-shim " GRANGE_VERSION);
    return 0;
  }
  struct stat agent {};
  if (argc != 2 || fstat(grange::shim::kAgentFd, &agent) != 0 || !S_ISSOCK(agent.st_mode)) {
    std::fputs("grange-shim: supervises one job; it is started by grange-agent, not by hand\n",
               stderr);
    return grange::shim::kExitUsage;
  }
  return grange::shim::Main(argv[1]);
}
