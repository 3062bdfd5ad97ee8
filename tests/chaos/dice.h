#ifndef GRANGE_TESTS_CHAOS_DICE_H_
#define GRANGE_TESTS_CHAOS_DICE_H_

#include <cstdint>

#include "absl/time/time.h"

namespace grange::chaos {

// Numbers that look random and are the same for one seed on every machine and with every library
// (splitmix64). A value; not thread-safe.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  // For a part of the whole that must not depend on how much the other parts have thrown.
  Dice(uint64_t seed, uint64_t part, uint64_t number)
      : state_(Dice(seed ^ (part << 32 | number)).Next() ^ seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  // 0 … n-1; n > 0. The slight preference for small numbers doesn't matter here.
  uint64_t Below(uint64_t n) { return Next() % n; }
  // least … most, both included.
  int64_t Between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(Below(static_cast<uint64_t>(most - least) + 1));
  }
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    return absl::Milliseconds(
        Between(absl::ToInt64Milliseconds(least), absl::ToInt64Milliseconds(most)));
  }

 private:
  uint64_t state_;
};

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_DICE_H_
