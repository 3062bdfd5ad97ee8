#include "agent/workspace/git_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/child.h"
#include "common/os/deadline.h"
#include "common/os/files.h"

namespace grange::workspace {
namespace {

constexpr size_t kErrorTextMax = 8 << 10;

// `fd` is the connection that we hand to git; `file` is our own mirror. gc runs only when we say
// so: a collection in the background could take objects from under a checkout.
constexpr char kConfig[] =
    "# Written by grange-agent at each start; changes are lost.\n"
    "[safe]\n\tdirectory = *\n"
    "[core]\n\thooksPath = /dev/null\n"
    "[protocol]\n\tallow = never\n"
    "[protocol \"fd\"]\n\tallow = always\n"
    "[protocol \"file\"]\n\tallow = always\n"
    "[uploadpack]\n\tallowAnySHA1InWant = true\n"
    "[gc]\n\tauto = 0\n"
    "[maintenance]\n\tauto = false\n"
    "[advice]\n\tdetachedHead = false\n";

// Collects what comes from `fd` until it ends, the child has ended, or it has to stop.
class Supervision {
 public:
  Supervision(os::Child& child, int error_fd, Cancellation& cancellation, os::Deadline deadline)
      : child_(child), error_fd_(error_fd), cancellation_(cancellation), deadline_(deadline) {}

  absl::StatusOr<os::ExitStatus> Wait() {
    while (true) {
      pollfd fds[3] = {
          {error_fd_, POLLIN, 0}, {cancellation_.fd(), POLLIN, 0}, {child_.pidfd(), POLLIN, 0}};
      const absl::Duration left = deadline_.Left();
      if (left <= absl::ZeroDuration()) {
        child_.Kill(SIGKILL);
        return absl::DeadlineExceededError("git took too long");
      }
      const int64_t millis = std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 1 << 30);
      if (::poll(fds, 3, static_cast<int>(millis)) < 0 && errno != EINTR) {
        return os::ErrnoStatus(errno, "poll", "git");
      }
      if (fds[0].revents != 0) Collect();
      if (fds[1].revents != 0) {
        child_.Kill(SIGKILL);
        return absl::CancelledError("git was stopped");
      }
      if (fds[2].revents != 0) {
        if (error_fd_ >= 0) Collect();
        return child_.Wait();
      }
    }
  }
  const std::string& text() const { return text_; }

 private:
  void Collect() {
    char buffer[4096];
    while (true) {
      const ssize_t got = ::read(error_fd_, buffer, sizeof buffer);
      if (got > 0) {
        text_.append(buffer, static_cast<size_t>(got));
        if (text_.size() > kErrorTextMax) text_.erase(0, text_.size() - kErrorTextMax);
        continue;
      }
      if (got == 0) error_fd_ = -1;
      return;
    }
  }

  os::Child& child_;
  int error_fd_;
  Cancellation& cancellation_;
  const os::Deadline deadline_;
  std::string text_;
};

std::string ValueOf(const std::vector<std::string>& environment, absl::string_view name) {
  for (const std::string& entry : environment) {
    absl::string_view view = entry;
    if (absl::ConsumePrefix(&view, absl::StrCat(name, "="))) return std::string(view);
  }
  return "";
}

}  // namespace

absl::StatusOr<GitCommand> GitCommand::Make(const std::string& state_dir) {
  const std::string config = os::JoinPath(state_dir, "gitconfig");
  GRANGE_RETURN_IF_ERROR(os::WriteFile(config, kConfig));
  const std::string path = ValueOf(os::CurrentEnvironment(), "PATH");
  GitCommand git;
  git.environment_ = {
      absl::StrCat("PATH=", path.empty() ? "/usr/local/bin:/usr/bin:/bin" : path),
      absl::StrCat("HOME=", state_dir),
      absl::StrCat("GIT_CONFIG_GLOBAL=", config),
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_ASKPASS=/bin/false",
      "LC_ALL=C",
  };
  return git;
}

absl::Status GitCommand::Run(const Call& call, Cancellation& cancellation) const {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return os::ErrnoStatus(errno, "pipe", "git");
  os::UniqueFd read_end(ends[0]), write_end(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);

  os::ChildOptions options;
  options.argv = {"git", "-C", call.dir};
  options.argv.insert(options.argv.end(), call.args.begin(), call.args.end());
  if (call.user) {
    // A process with threads can't change its user on its own; and git ends with this thread.
    const std::vector<std::string> as_user = {"setpriv",
                                              absl::StrCat("--reuid=", call.user->uid),
                                              absl::StrCat("--regid=", call.user->gid),
                                              "--clear-groups",
                                              "--no-new-privs",
                                              "--pdeathsig=KILL"};
    options.argv.insert(options.argv.begin(), as_user.begin(), as_user.end());
    options.cwd = call.dir;  // our own may be closed to that user
  }
  options.env = environment_;
  options.stderr_fd = write_end.get();
  options.stdin_fd = call.conversation_fd;
  options.stdout_fd = call.conversation_fd;
  if (call.inherit_fd >= 0) options.inherit.push_back({call.inherit_fd, 3});
  GRANGE_ASSIGN_OR_RETURN(os::Child child, os::Child::Start(options));
  write_end.Reset();

  Supervision supervision(child, read_end.get(), cancellation, os::Deadline(call.timeout));
  const absl::StatusOr<os::ExitStatus> status = supervision.Wait();
  if (!status.ok()) return status.status();
  if (status->ok()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("'git ", call.args.empty() ? "" : call.args[0],
                                          "': ", status->ToString(), "\n",
                                          absl::StripSuffix(supervision.text(), "\n")));
}

}  // namespace grange::workspace
