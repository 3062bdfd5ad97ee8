#include "common/os/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "common/os/files.h"

namespace grange::os {

absl::StatusOr<UniqueFd> TakeSignals(std::initializer_list<int> signals) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signals) sigaddset(&set, number);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) {
    return absl::InternalError("cannot block signals");
  }
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open()) return ErrnoStatus(errno, "cannot read signals", "signalfd");
  return fd;
}

int NextSignal(int signal_fd) {
  signalfd_siginfo info{};
  const ssize_t got = read(signal_fd, &info, sizeof info);
  return got == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace grange::os
