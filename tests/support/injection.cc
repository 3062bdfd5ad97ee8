#include "tests/support/injection.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr absl::Duration kAttachMax = absl::Seconds(10);
constexpr int kDetachMaxMs = 500;

std::vector<std::string> StraceArguments(const Injection& injection, const std::string& output) {
  std::vector<std::string> argv = {
      "strace", "-f",
      // Children stay untraced once they run a program of their own.
      "-b", "execve", "-o", output, "-e", absl::StrCat("trace=", injection.calls), "-e",
      absl::StrCat("inject=", injection.calls, ":", injection.action, ":when=", injection.when)};
  for (const std::string& path : injection.paths) argv.insert(argv.end(), {"-P", path});
  return argv;
}

// In how many of the process's threads somebody traces.
bool AllThreadsAreTraced(pid_t pid) {
  const std::string folder = absl::StrCat("/proc/", pid, "/task");
  for (const std::string& thread : os::ListDir(folder).value_or(std::vector<std::string>())) {
    const std::string status =
        os::ReadFile(absl::StrCat(folder, "/", thread, "/status")).value_or("TracerPid:\t0\n");
    if (absl::StrContains(status, "TracerPid:\t0\n")) return false;
  }
  return true;
}

}  // namespace

std::string WhyNoInjection() {
  os::ChildOptions options;
  options.argv = {"strace", "-f", "-o", "/dev/null", "-e", "trace=rename", "true"};
  const absl::StatusOr<os::RunResult> run = os::Run(options);
  if (!run.ok()) return "strace is not installed";
  if (run->status.ok()) return "";
  return absl::StrCat("strace can't trace here: ", absl::StripAsciiWhitespace(run->err));
}

std::vector<std::string> InjectionPrefix(const Injection& injection, const std::string& output) {
  std::vector<std::string> argv = StraceArguments(injection, output);
  argv.push_back("-D");  // strace is the child, the program keeps the pid
  return argv;
}

int Injected(const std::string& output) {
  int count = 0;
  const std::string text = os::ReadFile(output, uint64_t{1} << 30).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StrContains(line, "(INJECTED") || absl::StrContains(line, "(DELAYED") ||
        absl::StrContains(line, "+++ killed by SIGKILL")) {
      ++count;
    }
  }
  return count;
}

absl::StatusOr<std::unique_ptr<AttachedInjection>> AttachedInjection::Attach(
    pid_t pid, const Injection& injection, const std::string& output) {
  os::ChildOptions options;
  options.argv = StraceArguments(injection, output);
  options.argv.insert(options.argv.end(), {"-p", absl::StrCat(pid)});
  const std::string said = output + ".said";
  const os::UniqueFd log(open(said.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  options.stderr_fd = log.get();
  GRANGE_ASSIGN_OR_RETURN(os::Child strace, os::Child::Start(options));
  std::unique_ptr<AttachedInjection> attached(new AttachedInjection(std::move(strace), output));
  bool ended = false;
  const bool traced = Eventually(
      [&] {
        pollfd now{attached->strace_.pidfd(), POLLIN, 0};
        ended = poll(&now, 1, 0) != 0;
        return ended || AllThreadsAreTraced(pid);
      },
      kAttachMax);
  // A process that is gone counts as traced: the injection was faster.
  if (traced && (!ended || test::Injected(output) > 0)) return attached;
  return absl::UnavailableError(absl::StrCat("strace could not attach to process ", pid, ": ",
                                             os::ReadFile(said).value_or("")));
}

AttachedInjection::~AttachedInjection() {
  strace_.Kill(SIGTERM);  // it lets go of the process and ends
  pollfd end{strace_.pidfd(), POLLIN, 0};
  // Unless it waits for a parent in vfork() to stop, which waits for a child that strace itself has
  // stopped. Without strace the kernel lets both go on.
  if (poll(&end, 1, kDetachMaxMs) != 1) strace_.Kill(SIGKILL);
  strace_.Wait();
}

}  // namespace grange::test
