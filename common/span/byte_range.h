#ifndef GRANGE_COMMON_SPAN_BYTE_RANGE_H_
#define GRANGE_COMMON_SPAN_BYTE_RANGE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace grange::span {

// What an arriving piece means to a receiver that has the first `have` bytes of a stream.
enum class Fit {
  kAppend,     // brings bytes that are wanted next
  kDuplicate,  // all of it is there already
  kGap,        // bytes are missing before it: ask for `have`
};

struct Placement {
  Fit fit = Fit::kGap;
  absl::string_view fresh;  // with kAppend: the part of the piece from `have` on
};

// Where `bytes`, which start at `offset`, stand against the `have` bytes that are there. Pure;
// any offset is allowed, an end beyond 2^64 counts as a gap.
Placement Place(uint64_t have, uint64_t offset, absl::string_view bytes);

}  // namespace grange::span

#endif  // GRANGE_COMMON_SPAN_BYTE_RANGE_H_
