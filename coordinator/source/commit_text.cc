#include "coordinator/source/commit_text.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace grange::source {
namespace {

constexpr size_t kMessageBytesMax = 64 << 10;
constexpr size_t kNameBytesMax = 1 << 10;

// At most `max` bytes, not ending inside a UTF-8 character.
absl::string_view Cut(absl::string_view text, size_t max) {
  if (text.size() <= max) return text;
  size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

// "Name <mail> 1700000000 +0100"
void ParseAuthor(absl::string_view line, store::Commit& commit) {
  const size_t close = line.rfind('>');
  const size_t open = line.rfind('<', close);
  if (close == absl::string_view::npos || open == absl::string_view::npos) return;
  absl::string_view name = line.substr(0, open);
  absl::ConsumeSuffix(&name, " ");
  commit.author = std::string(Cut(name, kNameBytesMax));
  commit.author_email = std::string(Cut(line.substr(open + 1, close - open - 1), kNameBytesMax));
  absl::string_view when = line.substr(close + 1);
  absl::ConsumePrefix(&when, " ");
  int64_t seconds = 0;
  if (absl::SimpleAtoi(when.substr(0, when.find(' ')), &seconds)) {
    commit.authored_at = absl::FromUnixSeconds(seconds);
  }
}

}  // namespace

absl::StatusOr<store::Commit> ParseCommit(absl::string_view sha, absl::string_view object) {
  if (absl::StrContains(object, '\0')) {
    return absl::InvalidArgumentError(
        absl::StrCat("commit ", sha,
                     " has a NUL byte in its text; write its message anew with "
                     "'git commit --amend'"));
  }
  if (!absl::StartsWith(object, "tree ")) {
    return absl::DataLossError(absl::StrCat("object ", sha, " is no commit"));
  }
  store::Commit commit;
  commit.sha = std::string(sha);
  while (!object.empty()) {
    const size_t end = std::min(object.find('\n'), object.size());
    absl::string_view line = object.substr(0, end);
    object.remove_prefix(std::min(end + 1, object.size()));
    if (line.empty()) break;  // the header's end
    if (absl::ConsumePrefix(&line, "author ")) ParseAuthor(line, commit);
  }
  commit.message = std::string(Cut(object, kMessageBytesMax));
  commit.title = std::string(Cut(object.substr(0, object.find('\n')), kNameBytesMax));
  return commit;
}

std::string ModeInTree(absl::string_view object, absl::string_view name, size_t hash_bytes) {
  while (!object.empty()) {
    const size_t blank = object.find(' ');
    const size_t nul = object.find('\0');
    if (blank == absl::string_view::npos || nul == absl::string_view::npos || blank > nul ||
        object.size() - nul - 1 < hash_bytes) {
      return "";
    }
    if (object.substr(blank + 1, nul - blank - 1) == name) {
      return std::string(object.substr(0, blank));
    }
    object.remove_prefix(nul + 1 + hash_bytes);
  }
  return "";
}

}  // namespace grange::source
