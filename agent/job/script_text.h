#ifndef GRANGE_AGENT_JOB_SCRIPT_TEXT_H_
#define GRANGE_AGENT_JOB_SCRIPT_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grange::job {

// The text of one bash script that runs `commands` in order in one shell and ends with the first
// that fails, in a pipe too (`set -eo pipefail`). Each command is announced as a line "$ command";
// of one with several lines only the first is, marked as such. Commands are taken byte for byte:
// nothing is quoted, expanded or trimmed except the announcement.
std::string ScriptText(const std::vector<std::string>& commands);

// `text` as one word of bash, whatever it contains (NUL aside, which no shell can hold).
std::string ShellQuote(absl::string_view text);

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_SCRIPT_TEXT_H_
