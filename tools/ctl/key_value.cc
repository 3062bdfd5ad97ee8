#include "tools/ctl/key_value.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/ctl/exit_code.h"

namespace grange::ctl {

absl::StatusOr<KeyValue> ParseKeyValue(absl::string_view flag, absl::string_view text) {
  const size_t equals = text.find('=');
  const absl::string_view name = text.substr(0, equals);
  const bool is_name = !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
                       std::all_of(name.begin(), name.end(), [](unsigned char c) {
                         return absl::ascii_isalnum(c) || c == '_';
                       });
  if (equals == absl::string_view::npos || !is_name) {
    return UsageError(
        absl::StrCat(flag, " takes NAME=value, not '", text, "'; names are letters, digits and _"));
  }
  return KeyValue(name, text.substr(equals + 1));
}

}  // namespace grange::ctl
