#include "agent/shim/script_start.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

#include "agent/shim/job_folder.h"
#include "agent/shim/owned_fd.h"

namespace grange::shim {
namespace {

// The script is handed over as an open file in memory: nothing of it is left on disk, and that
// costs a tenth. The first thing the shell does is to close its number, so that the job's processes
// have just 0 to 2; on the script's own first line, so that lines keep their numbers.
constexpr int kScriptFd = 3;
constexpr char kScriptPath[] = "/dev/fd/3";
constexpr char kScriptStart[] = "exec 3<&-;";

// Of 1000; see proc(5). The agent and other programs of the machine have 0 or less.
constexpr char kOomScore[] = "500";

enum class ChildStep { kNone, kRedirect, kJoinCgroup, kBecomeUser, kEnterDirectory, kExecute };

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
  int script_fd;
  int output_fd;
  mode_t mode_mask;
  pid_t parent;
  const int* doors;
  size_t door_count;
  const JobUser* user;  // null: stays who it is
  bool no_new_privs;
};

void Fail(ChildStep step, ChildFailure* failure) {
  failure->error = errno;
  failure->step = step;
}

// False with errno.
bool JoinCgroups(const ChildPlan& plan) {
  for (size_t i = 0; i < plan.door_count; ++i) {
    if (write(plan.doors[i], "0", 1) != 1) return false;
  }
  return true;
}

// False with errno. By system call: glibc's functions would change the parent, whose memory this
// is.
bool BecomeUser(const JobUser& user) {
  errno = EPERM;
  if (user.uid == 0 || user.uid == ~0U || user.gid == ~0U) return false;  // ~0: "leave it"
  if (syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0 ||
      syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0 ||
      syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) {
    return false;
  }
  const rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &no_core);
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;  // gone with the old user
}

void VolunteerForOomKiller() {
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t put = write(file, kOomScore, sizeof kOomScore - 1);
  close(file);
}

// Runs in the child, in its parent's memory: system calls only.
void BecomeScript(const ChildPlan& plan, ChildFailure* failure) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) return;  // the shim died before that took effect
  // Those that the shim ignores, and two that glibc keeps to itself and leaves ignored after
  // posix_spawn: hence by system call. Handlers go with exec anyway.
  const struct {
    uint64_t handler, flags, restorer, mask;  // all zero: SIG_DFL
  } standard{};
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE, 32, 33}) {
    syscall(SYS_rt_sigaction, signal, &standard, nullptr, sizeof standard.mask);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(plan.mode_mask);
  VolunteerForOomKiller();
  if (!JoinCgroups(plan)) return Fail(ChildStep::kJoinCgroup, failure);
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(plan.output_fd, STDOUT_FILENO) < 0 ||
      dup2(plan.output_fd, STDERR_FILENO) < 0 || dup2(plan.script_fd, kScriptFd) < 0 ||
      fcntl(kScriptFd, F_SETFD, 0) != 0) {
    return Fail(ChildStep::kRedirect, failure);
  }
  close_range(kScriptFd + 1, ~0U, 0);
  if (plan.user != nullptr) {
    if (!BecomeUser(*plan.user)) return Fail(ChildStep::kBecomeUser, failure);
    if (getppid() != plan.parent) return;  // as above
  }
  if (plan.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Fail(ChildStep::kBecomeUser, failure);
  }
  if (chdir(plan.cwd) != 0) return Fail(ChildStep::kEnterDirectory, failure);
  execve(plan.shell, plan.argv, plan.envp);
  Fail(ChildStep::kExecute, failure);
}

// With a copy of our memory, as C++ can't say to clone3 where a child's stack is. In the cgroup v2
// that is open as `folder`, if that is not -1. -1 if this kernel, or a filter of its calls, can't do
// that.
pid_t SpawnCopied(int folder, const ChildPlan& plan, ChildFailure* failure) {
  void* const shared = mmap(nullptr, sizeof(ChildFailure), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return -1;
  auto* const theirs = new (shared) ChildFailure;
  clone_args args{};
  args.flags = CLONE_VFORK;
  args.exit_signal = SIGCHLD;
  if (folder >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(folder);
  }
  const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
  if (pid == 0) {
    BecomeScript(plan, theirs);
    _exit(127);
  }
  failure->error = theirs->error;
  failure->step = theirs->step;
  munmap(shared, sizeof(ChildFailure));
  return pid;
}

pid_t TrySpawnIn(int folder, ChildPlan plan, ChildFailure* failure) {
  plan.door_count = 0;  // it is in already
  return SpawnCopied(folder, plan, failure);
}

// vfork: the child needs no copy of our page tables, and we hear without a pipe whether the shell
// could be executed. The thread sanitizer makes it a fork, after which a child may not yet lead the
// group that a signal is for.
[[gnu::noinline]] pid_t Spawn(const ChildPlan& plan, ChildFailure* failure) {
#ifdef __SANITIZE_THREAD__
  return SpawnCopied(-1, plan, failure);
#else
  const pid_t pid = vfork();
  if (pid == 0) {
    BecomeScript(plan, failure);
    _exit(127);
  }
  return pid;
#endif
}

std::string Describe(const ScriptStart& start, const ChildFailure& failure) {
  const std::string reason = std::string(": ") + std::strerror(failure.error);
  switch (failure.step) {
    case ChildStep::kNone:
      break;
    case ChildStep::kRedirect:
      return "cannot connect the script and its output" + reason;
    case ChildStep::kJoinCgroup:
      return "cannot put the script into its cgroup" + reason;
    case ChildStep::kBecomeUser:
      return "cannot become the job's user" + reason;
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
  const OwnedFd script(memfd_create("script", MFD_CLOEXEC));
  int error = script.is_open() ? WriteAll(script.get(), kScriptStart) : errno;
  if (error == 0) error = WriteAll(script.get(), start.script);
  if (error != 0) return {.detail = std::string("cannot hold the script: ") + std::strerror(error)};
  // So that it can open /dev/stdout and /dev/stderr by name.
  if (start.user && fchown(start.output_fd, start.user->uid, start.user->gid) != 0) {
    return {.detail =
                std::string("cannot give the output to the job's user: ") + std::strerror(errno)};
  }
  const std::vector<std::string> arguments = {start.shell, kScriptPath};
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(start.env);
  ChildFailure failure;
  const ChildPlan plan = {.shell = start.shell.c_str(),
                          .argv = argv.data(),
                          .envp = envp.data(),
                          .cwd = start.cwd.c_str(),
                          .script_fd = script.get(),
                          .output_fd = start.output_fd,
                          .mode_mask = start.umask,
                          .parent = getpid(),
                          .doors = start.cgroup_doors.data(),
                          .door_count = start.cgroup_doors.size(),
                          .user = start.user ? &*start.user : nullptr,
                          .no_new_privs = start.no_new_privs || start.user};
  pid_t pid = -1;
  if (start.cgroup_folder >= 0) pid = TrySpawnIn(start.cgroup_folder, plan, &failure);
  if (pid < 0) pid = Spawn(plan, &failure);
  if (pid < 0) {
    return {.detail =
                std::string("cannot start a process for the script: ") + std::strerror(errno)};
  }
  if (failure.step != ChildStep::kNone) {
    waitpid(pid, nullptr, 0);  // until then it may still be in the job's cgroup
    return {.detail = Describe(start, failure)};
  }
  return {.pid = pid};
}

}  // namespace grange::shim
