#include "common/span/byte_range.h"

#include <limits>

namespace grange::span {

Placement Place(uint64_t have, uint64_t offset, absl::string_view bytes) {
  if (offset > have) return {.fit = Fit::kGap, .fresh = {}};
  if (bytes.size() > std::numeric_limits<uint64_t>::max() - offset) {
    return {.fit = Fit::kGap, .fresh = {}};
  }
  const uint64_t overlap = have - offset;
  if (overlap >= bytes.size()) return {.fit = Fit::kDuplicate, .fresh = {}};
  return {.fit = Fit::kAppend, .fresh = bytes.substr(overlap)};
}

}  // namespace grange::span
