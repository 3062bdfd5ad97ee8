#ifndef GRANGE_COMMON_TEXT_DURATION_TEXT_H_
#define GRANGE_COMMON_TEXT_DURATION_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grange::text {

// "3h 30m", "90 minutes", "1h30m", "one hour", "3600" (seconds), "1 week", "2 days and 3 hours".
// kInvalidArgument naming the part that isn't understood.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// For people: "4.2 s", "3 min 12 s", "1 h 5 min".
std::string FormatDuration(absl::Duration duration);

}  // namespace grange::text

#endif  // GRANGE_COMMON_TEXT_DURATION_TEXT_H_
