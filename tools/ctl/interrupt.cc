#include "tools/ctl/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "tools/ctl/exit_code.h"

namespace grange::ctl {
namespace {

// What a signal handler may touch has to be global.
int wake_pipe[2] = {-1, -1};
volatile std::sig_atomic_t interrupts = 0;
char message_text[512];
size_t message_size = 0;

void OnSignal(int signal) {
  const int saved_errno = errno;
  if (signal != SIGWINCH) {
    interrupts = interrupts + 1;
    if (interrupts > 1) ::_exit(kExitInterrupted);
    [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, message_text, message_size);
  }
  const char byte = 0;
  // A full pipe is readable already.
  [[maybe_unused]] const ssize_t ignored = ::write(wake_pipe[1], &byte, 1);
  errno = saved_errno;
}

}  // namespace

int TakeInterrupts(const std::string& message) {
  if (wake_pipe[0] >= 0) return wake_pipe[0];
  message_size = std::min(message.size(), sizeof message_text);
  std::memcpy(message_text, message.data(), message_size);
  if (::pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGWINCH, &action, nullptr);
  return wake_pipe[0];
}

bool Interrupted() {
  char buffer[64];
  while (wake_pipe[0] >= 0 && ::read(wake_pipe[0], buffer, sizeof buffer) > 0) {
  }
  return interrupts > 0;
}

}  // namespace grange::ctl
