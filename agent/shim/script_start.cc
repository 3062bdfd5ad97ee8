#include "agent/shim/script_start.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace grange::shim {
namespace {

enum class ChildStep { kNone, kRedirect, kEnterDirectory, kExecute };

// Written by the child into the memory that it shares with us until it executes the shell.
struct ChildFailure {
  volatile ChildStep step = ChildStep::kNone;
  volatile int error = 0;
};

struct ChildPlan {
  const char* shell;
  char* const* argv;
  char* const* envp;
  const char* cwd;
  int output_fd;
  mode_t mode_mask;
  pid_t parent;
};

void Fail(ChildStep step, ChildFailure* failure) {
  failure->error = errno;
  failure->step = step;
}

// Runs in the child, in its parent's memory: system calls only.
void BecomeScript(const ChildPlan& plan, ChildFailure* failure) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) return;  // the shim died before that took effect
  // By system call: glibc keeps two signals to itself and leaves them ignored after posix_spawn.
  constexpr size_t kKernelSignals = 64;
  const struct {
    uint64_t handler, flags, restorer, mask;  // all zero: SIG_DFL
  } standard{};
  for (size_t signal = 1; signal <= kKernelSignals; ++signal) {
    syscall(SYS_rt_sigaction, signal, &standard, nullptr, sizeof standard.mask);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(plan.mode_mask);
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(plan.output_fd, STDOUT_FILENO) < 0 ||
      dup2(plan.output_fd, STDERR_FILENO) < 0) {
    return Fail(ChildStep::kRedirect, failure);
  }
  close_range(STDERR_FILENO + 1, ~0U, 0);
  if (chdir(plan.cwd) != 0) return Fail(ChildStep::kEnterDirectory, failure);
  execve(plan.shell, plan.argv, plan.envp);
  Fail(ChildStep::kExecute, failure);
}

// vfork: the child needs no copy of our page tables, and we hear without a pipe whether the shell
// could be executed.
[[gnu::noinline]] pid_t Spawn(const ChildPlan& plan, ChildFailure* failure) {
  const pid_t pid = vfork();
  if (pid == 0) {
    BecomeScript(plan, failure);
    _exit(127);
  }
  return pid;
}

std::string Describe(const ScriptStart& start, const ChildFailure& failure) {
  const std::string reason = std::string(": ") + std::strerror(failure.error);
  switch (failure.step) {
    case ChildStep::kNone:
      break;
    case ChildStep::kRedirect:
      return "cannot connect the script's output" + reason;
    case ChildStep::kEnterDirectory:
      return "cannot enter the working directory '" + start.cwd + "'" + reason;
    case ChildStep::kExecute:
      return "cannot execute the shell '" + start.shell + "'" + reason;
  }
  return "";
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

StartedScript StartScript(const ScriptStart& start) {
  const std::vector<std::string> arguments = {start.shell, start.script_path};
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(start.env);
  ChildFailure failure;
  const ChildPlan plan = {.shell = start.shell.c_str(),
                          .argv = argv.data(),
                          .envp = envp.data(),
                          .cwd = start.cwd.c_str(),
                          .output_fd = start.output_fd,
                          .mode_mask = start.umask,
                          .parent = getpid()};
  const pid_t pid = Spawn(plan, &failure);
  if (pid < 0) {
    return {.detail =
                std::string("cannot start a process for the script: ") + std::strerror(errno)};
  }
  if (failure.step != ChildStep::kNone) return {.detail = Describe(start, failure)};
  return {.pid = pid};
}

}  // namespace grange::shim
