#ifndef GRANGE_TESTS_SIM_SKEWED_CLOCK_H_
#define GRANGE_TESTS_SIM_SKEWED_CLOCK_H_

#include "absl/time/time.h"

namespace grange::sim {

// A machine's clock that runs faster or slower than the world's: docs/formats/agent-protocol.md
// promises what it does for clocks that are right within 10 %.
class SkewedClock {
 public:
  // `rate` 1.1: shows 66 s after a minute.
  SkewedClock(absl::Time start, double rate) : start_(start), rate_(rate) {}

  absl::Time Shown(absl::Time real) const { return start_ + (real - start_) * rate_; }
  // The first moment at which the clock shows at least this.
  absl::Time When(absl::Time shown) const {
    if (shown == absl::InfiniteFuture() || shown <= start_) return shown;
    return start_ + (shown - start_) / rate_ + absl::Microseconds(1);  // never rounded to before it
  }

 private:
  absl::Time start_;
  double rate_;
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_SKEWED_CLOCK_H_
