#include "agent/job/script_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace grange::job {
namespace {

std::string Announcement(absl::string_view command) {
  while (absl::ConsumePrefix(&command, "\n")) {
  }
  while (absl::ConsumeSuffix(&command, "\n")) {
  }
  const size_t end = command.find('\n');
  if (end == absl::string_view::npos) return absl::StrCat("$ ", command);
  return absl::StrCat("$ ", command.substr(0, end), " # and more lines");
}

}  // namespace

std::string ShellQuote(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string ScriptText(const std::vector<std::string>& commands) {
  std::string script = "set -eo pipefail\n";
  for (const std::string& command : commands) {
    absl::StrAppend(&script, "printf '%s\\n' ", ShellQuote(Announcement(command)), "\n", command);
    // A command that ends with a line feed may end a here-document: nothing is put after it.
    if (!absl::EndsWith(command, "\n")) script.push_back('\n');
  }
  return script;
}

}  // namespace grange::job
