#ifndef GRANGE_COMMON_TEXT_EXPAND_H_
#define GRANGE_COMMON_TEXT_EXPAND_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::text {

// What an unknown name becomes.
enum class Unknown { kKeep, kEmpty };

// Replaces $NAME and ${NAME} once, from the left; `$$` gives `$`. `%NAME%` stays as it is (it is
// Windows' form). `look_up` gives nullopt for an unknown name.
std::string Expand(absl::string_view text,
                   const std::function<std::optional<std::string>(absl::string_view)>& look_up,
                   Unknown unknown);

struct NamedValue {
  std::string name;
  std::string value;
  bool expand = true;  // false: taken as it is
};

// A job's variables in the order in which they are set: of equal names the last one wins (a value
// that names itself means the earlier one of that name). Values that name others are expanded,
// whatever the order; unknown names stay. kInvalidArgument naming the circle if there is one,
// kResourceExhausted if the values grow beyond `bytes_max` together.
absl::StatusOr<std::vector<NamedValue>> ExpandAll(const std::vector<NamedValue>& variables,
                                                  size_t bytes_max = 1 << 20);

}  // namespace grange::text

#endif  // GRANGE_COMMON_TEXT_EXPAND_H_
