#ifndef GRANGE_COMMON_TEXT_SIZE_TEXT_H_
#define GRANGE_COMMON_TEXT_SIZE_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::text {

// Bytes: "512MiB", "2 GiB", "1.5g", "700000" (bytes). KB, MB, GB and TB mean powers of 1024 too, as
// people mean them of memory. kInvalidArgument saying what is taken.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);

// For people: "512 MiB", "1.5 GiB", "700000 bytes".
std::string FormatSize(uint64_t bytes);

}  // namespace grange::text

#endif  // GRANGE_COMMON_TEXT_SIZE_TEXT_H_
