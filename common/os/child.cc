#include "common/os/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"

extern char** environ;

namespace grange::os {
namespace {

constexpr size_t kErrorTextMax = 64 << 10;

ExitStatus FromWait(int status) {
  if (WIFSIGNALED(status)) return {.exit_code = 128 + WTERMSIG(status), .signal = WTERMSIG(status)};
  return {.exit_code = WEXITSTATUS(status), .signal = 0};
}

struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t actions;
};
struct Attributes {
  Attributes() { posix_spawnattr_init(&attributes); }
  ~Attributes() { posix_spawnattr_destroy(&attributes); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  posix_spawnattr_t attributes;
};

// Descriptors in the child: first all of ours go to numbers that no target has (so that none is
// overwritten before it is used), then to their targets, which clears CLOEXEC.
absl::Status PlanDescriptors(const ChildOptions& options, std::vector<UniqueFd>& high,
                             FileActions& plan) {
  std::vector<std::pair<int, int>> wanted = {
      {options.stdin_fd, 0}, {options.stdout_fd, 1}, {options.stderr_fd, 2}};
  wanted.insert(wanted.end(), options.inherit.begin(), options.inherit.end());
  int floor = 100;
  for (const auto& [ours, target] : wanted) floor = std::max(floor, target + 1);
  for (const auto& [ours, target] : wanted) {
    if (ours < 0) {
      posix_spawn_file_actions_addopen(&plan.actions, target, "/dev/null",
                                       target == 0 ? O_RDONLY : O_WRONLY, 0);
      continue;
    }
    UniqueFd copy(fcntl(ours, F_DUPFD_CLOEXEC, floor));
    if (!copy.is_open()) return ErrnoStatus(errno, "cannot copy descriptor for", options.argv[0]);
    posix_spawn_file_actions_adddup2(&plan.actions, copy.get(), target);
    high.push_back(std::move(copy));
  }
  return absl::OkStatus();
}

// Moves what is readable from `fd` into `text`; false at the end of file.
bool ReadSome(int fd, std::string& text) {
  char buffer[64 << 10];
  const ssize_t got = read(fd, buffer, sizeof buffer);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  text.append(buffer, static_cast<size_t>(got));
  return true;
}

int PollTime(absl::Duration left) {
  return static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 1 << 30));
}

struct Pipe {
  UniqueFd read_end, write_end;
};
absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot make", "pipe");
  Pipe made;
  made.read_end.Reset(ends[0]);
  made.write_end.Reset(ends[1]);
  return made;
}

}  // namespace

std::string ExitStatus::ToString() const {
  if (signal != 0) return absl::StrCat("killed by signal ", signal);
  return absl::StrCat("exit status ", exit_code);
}

absl::StatusOr<Child> Child::Start(const ChildOptions& options) {
  if (options.argv.empty()) return absl::InvalidArgumentError("no program to start");
  FileActions plan;
  std::vector<UniqueFd> high;
  GRANGE_RETURN_IF_ERROR(PlanDescriptors(options, high, plan));
  if (!options.cwd.empty()) {
    posix_spawn_file_actions_addchdir_np(&plan.actions, options.cwd.c_str());
  }
  Attributes attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.attributes, &none);
  posix_spawnattr_setsigdefault(&attributes.attributes, &all);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (options.new_group) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&attributes.attributes, flags);

  std::vector<char*> argv, env;
  for (const std::string& word : options.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (options.env.has_value()) {
    for (const std::string& entry : *options.env) env.push_back(const_cast<char*>(entry.c_str()));
    env.push_back(nullptr);
  }
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, argv[0], &plan.actions, &attributes.attributes, argv.data(),
                                 options.env.has_value() ? env.data() : environ);
  if (error != 0) return ErrnoStatus(error, "cannot start", options.argv[0]);
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return Child(pid, std::move(pidfd), options.new_group);
}

Child::Child(pid_t pid, UniqueFd pidfd, bool group)
    : pid_(pid), pidfd_(std::move(pidfd)), group_(group) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)), group_(other.group_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  if (pid_ > 0) {
    Kill(SIGKILL);
    Wait();
  }
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  group_ = other.group_;
  return *this;
}

Child::~Child() {
  if (pid_ <= 0) return;
  Kill(SIGKILL);
  Wait();
}

void Child::Kill(int signal) {
  if (pid_ > 0) kill(group_ ? -pid_ : pid_, signal);
}

ExitStatus Child::Wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return FromWait(status);
}

std::optional<ExitStatus> Child::TryWait() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return FromWait(status);
}

void Child::Detach() { pid_ = -1; }

absl::StatusOr<RunResult> Run(ChildOptions options, absl::string_view input, absl::Duration timeout,
                              size_t out_limit) {
  GRANGE_ASSIGN_OR_RETURN(Pipe in, MakePipe());
  GRANGE_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  GRANGE_ASSIGN_OR_RETURN(Pipe err, MakePipe());
  if (!input.empty()) options.stdin_fd = in.read_end.get();
  options.stdout_fd = out.write_end.get();
  options.stderr_fd = err.write_end.get();
  GRANGE_ASSIGN_OR_RETURN(Child child, Child::Start(options));
  in.read_end.Reset();
  out.write_end.Reset();
  err.write_end.Reset();
  if (input.empty()) in.write_end.Reset();
  if (in.write_end.is_open()) fcntl(in.write_end.get(), F_SETFL, O_NONBLOCK);

  const RealClock clock;
  const absl::Duration deadline = clock.SinceBoot() + timeout;
  const absl::Status too_late = absl::DeadlineExceededError(
      absl::StrCat("'", options.argv[0], "' did not end within ", absl::FormatDuration(timeout)));
  RunResult result;
  bool out_open = true, err_open = true;
  while (out_open || err_open) {
    pollfd fds[3] = {{out_open ? out.read_end.get() : -1, POLLIN, 0},
                     {err_open ? err.read_end.get() : -1, POLLIN, 0},
                     {in.write_end.is_open() ? in.write_end.get() : -1, POLLOUT, 0}};
    const absl::Duration left = deadline - clock.SinceBoot();
    if (left <= absl::ZeroDuration()) return too_late;
    if (poll(fds, 3, PollTime(left)) < 0 && errno != EINTR) {
      return ErrnoStatus(errno, "cannot wait for", options.argv[0]);
    }
    if (fds[0].revents != 0) out_open = ReadSome(out.read_end.get(), result.out);
    if (fds[1].revents != 0) err_open = ReadSome(err.read_end.get(), result.err);
    if (result.out.size() > out_limit) {
      return absl::ResourceExhaustedError(
          absl::StrCat("'", options.argv[0], "' printed more than ", out_limit, " bytes"));
    }
    if (result.err.size() > 2 * kErrorTextMax) {
      result.err.erase(0, result.err.size() - kErrorTextMax);
    }
    if (fds[2].revents != 0) {
      const ssize_t put = write(in.write_end.get(), input.data(), input.size());
      if (put > 0) input.remove_prefix(static_cast<size_t>(put));
      if (input.empty() || (put < 0 && errno != EINTR && errno != EAGAIN)) in.write_end.Reset();
    }
  }
  // A program may close its output and go on.
  pollfd ended{child.pidfd(), POLLIN, 0};
  while (ended.fd >= 0 && ended.revents == 0) {
    const absl::Duration left = deadline - clock.SinceBoot();
    if (left <= absl::ZeroDuration()) return too_late;
    if (poll(&ended, 1, PollTime(left)) < 0 && errno != EINTR) break;
  }
  result.status = child.Wait();
  return result;
}

std::vector<std::string> CurrentEnvironment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace grange::os
