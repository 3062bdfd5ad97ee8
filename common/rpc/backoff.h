#ifndef GRANGE_COMMON_RPC_BACKOFF_H_
#define GRANGE_COMMON_RPC_BACKOFF_H_

#include <cstdint>

#include "absl/time/time.h"

namespace grange::rpc {

// How long to wait before the next try: random in 0 … min(limit, first·2ⁿ), so that many peers do
// not come back at once. The caller gives the randomness. Not thread-safe.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration limit) : first_(first), limit_(limit) {}

  // `random` is uniform over all 64-bit numbers.
  absl::Duration Next(uint64_t random);
  void Reset() { tries_ = 0; }  // after a healthy session

 private:
  absl::Duration first_, limit_;
  int tries_ = 0;
};

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_BACKOFF_H_
