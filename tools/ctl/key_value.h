#ifndef GRANGE_TOOLS_CTL_KEY_VALUE_H_
#define GRANGE_TOOLS_CTL_KEY_VALUE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::ctl {

using KeyValue = std::pair<std::string, std::string>;

// "NAME=value"; the value may be empty and have further '='. A usage error, naming `flag`, if there
// is no '=' or the name is not made of letters, digits and '_'.
absl::StatusOr<KeyValue> ParseKeyValue(absl::string_view flag, absl::string_view text);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_KEY_VALUE_H_
