#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/source/git_mirror.h"

namespace grange::source {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr size_t kShownBytesMax = 80;

// Why git would not take it, or "".
absl::string_view FaultOf(absl::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kNameBytesMax) return "it has more than 255 bytes";
  if (name[0] == '-') return "it begins with '-'";
  if (name == "@" || absl::StrContains(name, "@{")) return "it has '@{' or is '@'";
  if (absl::StrContains(name, "..")) return "it has '..'";
  if (name.back() == '.') return "it ends with '.'";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "it has a control character";
    if (absl::string_view(" ~^:?*[\\").find(c) != absl::string_view::npos) {
      return "it has a blank or one of ~^:?*[\\";
    }
  }
  for (const absl::string_view part : absl::StrSplit(name, '/')) {
    if (part.empty()) return "a part between slashes is empty";
    if (part[0] == '.') return "a part begins with '.'";
    if (absl::EndsWith(part, ".lock")) return "a part ends with '.lock'";
  }
  return "";
}

}  // namespace

absl::Status CheckRefName(absl::string_view name) {
  const absl::string_view fault = FaultOf(name);
  if (fault.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'",
                                                 absl::CHexEscape(name.substr(0, kShownBytesMax)),
                                                 "' is no name of a branch or tag: ", fault));
}

bool IsFullSha(absl::string_view sha) {
  return (sha.size() == 40 || sha.size() == 64) && std::all_of(sha.begin(), sha.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace grange::source
