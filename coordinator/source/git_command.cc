#include "coordinator/source/git_command.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::source {
namespace {

constexpr size_t kErrorTextMax = 2000;
constexpr int kAskEveryMs = 100;

// The end of git's error output on one line, without control characters: it quotes foreign names.
std::string LastWords(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.size() > kErrorTextMax) text.remove_prefix(text.size() - kErrorTextMax);
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "; ";
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      line += c;
    }
  }
  return line.empty() ? "no message" : line;
}

os::ChildOptions OptionsFor(const std::string& dir, const std::vector<std::string>& arguments) {
  os::ChildOptions options;
  options.argv = {"git"};
  for (std::string& word : GitPrefix()) options.argv.push_back(std::move(word));
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.env = GitEnvironment();
  options.cwd = dir;
  return options;
}

absl::Status Failed(const std::vector<std::string>& arguments, const os::ExitStatus& status,
                    absl::string_view error) {
  return absl::FailedPreconditionError(absl::StrCat("git ", arguments.empty() ? "" : arguments[0],
                                                    " failed (", status.ToString(),
                                                    "): ", LastWords(error)));
}

// Read from its begin on.
absl::StatusOr<os::UniqueFd> MemoryFile(absl::string_view content) {
  os::UniqueFd file(::memfd_create("git", MFD_CLOEXEC));
  if (!file.is_open()) return os::ErrnoStatus(errno, "cannot make", "a file in memory");
  GRANGE_RETURN_IF_ERROR(os::WriteAll(file.get(), content));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) {
    return os::ErrnoStatus(errno, "cannot rewind", "a file in memory");
  }
  return file;
}

std::string ContentOf(int fd) {
  std::string content(static_cast<size_t>(std::max<off_t>(::lseek(fd, 0, SEEK_END), 0)), '\0');
  const ssize_t got = ::pread(fd, content.data(), content.size(), 0);
  content.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return content;
}

}  // namespace

std::vector<std::string> GitEnvironment() {
  const char* path = std::getenv("PATH");
  return {absl::StrCat("PATH=", path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin"),
          "HOME=/nonexistent",
          "LC_ALL=C",
          "GIT_CONFIG_NOSYSTEM=1",
          "GIT_CONFIG_GLOBAL=/dev/null",
          "GIT_TERMINAL_PROMPT=0",
          "GIT_SSH_COMMAND=ssh -o BatchMode=yes",
          "GIT_ALLOW_PROTOCOL=https:ssh:git:file",
          "GIT_NO_REPLACE_OBJECTS=1"};
}

std::vector<std::string> GitPrefix() {
  return {"--literal-pathspecs",
          "-c",
          "gc.auto=0",
          "-c",
          "maintenance.auto=false",
          "-c",
          "transfer.fsckObjects=true",
          "-c",
          "receive.autogc=false",
          "-c",
          "core.hooksPath=/dev/null",
          "-c",
          "protocol.version=2",
          "-c",
          "core.fsync=all"};
}

absl::StatusOr<std::string> RunGit(const std::string& dir, std::vector<std::string> arguments,
                                   absl::string_view input, absl::Duration timeout,
                                   size_t out_limit) {
  GRANGE_ASSIGN_OR_RETURN(os::RunResult result,
                          os::Run(OptionsFor(dir, arguments), input, timeout, out_limit));
  if (result.status.ok()) return std::move(result.out);
  return Failed(arguments, result.status, result.err);
}

absl::StatusOr<std::string> RunGitWhile(const std::string& dir, std::vector<std::string> arguments,
                                        absl::string_view input,
                                        const std::function<bool()>& go_on) {
  // Files in memory: a pipe would have to be read and written while git runs.
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd in, MemoryFile(input));
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd out, MemoryFile(""));
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd error, MemoryFile(""));
  os::ChildOptions options = OptionsFor(dir, arguments);
  options.stdin_fd = in.get();
  options.stdout_fd = out.get();
  options.stderr_fd = error.get();
  GRANGE_ASSIGN_OR_RETURN(os::Child child, os::Child::Start(options));
  pollfd ended{child.pidfd(), POLLIN, 0};
  while (::poll(&ended, 1, kAskEveryMs) <= 0) {
    if (!go_on()) return absl::CancelledError("git was stopped");  // and goes with `child`
  }
  const os::ExitStatus status = child.Wait();
  if (status.ok()) return ContentOf(out.get());
  return Failed(arguments, status, ContentOf(error.get()));
}

}  // namespace grange::source
