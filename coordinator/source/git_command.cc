#include "coordinator/source/git_command.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"

namespace grange::source {
namespace {

constexpr size_t kErrorTextMax = 2000;

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
  os::ChildOptions options;
  options.argv = {"git"};
  for (std::string& word : GitPrefix()) options.argv.push_back(std::move(word));
  const std::string subcommand = arguments.empty() ? "" : arguments[0];
  for (std::string& word : arguments) options.argv.push_back(std::move(word));
  options.env = GitEnvironment();
  options.cwd = dir;
  GRANGE_ASSIGN_OR_RETURN(os::RunResult result,
                          os::Run(std::move(options), input, timeout, out_limit));
  if (result.status.ok()) return std::move(result.out);
  return absl::FailedPreconditionError(absl::StrCat(
      "git ", subcommand, " failed (", result.status.ToString(), "): ", LastWords(result.err)));
}

}  // namespace grange::source
