#include "common/rpc/backoff.h"

#include <algorithm>

namespace grange::rpc {

absl::Duration Backoff::Next(uint64_t random) {
  const absl::Duration ceiling = std::min(limit_, first_ * (int64_t{1} << std::min(tries_, 30)));
  ++tries_;
  return ceiling * (static_cast<double>(random >> 11) / static_cast<double>(uint64_t{1} << 53));
}

}  // namespace grange::rpc
