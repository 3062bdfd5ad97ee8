#ifndef GRANGE_COMMON_OS_REAL_CLOCK_H_
#define GRANGE_COMMON_OS_REAL_CLOCK_H_

#include "common/base/clock.h"

namespace grange::os {

// The machine's clocks. Thread-safe.
class RealClock : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration SinceBoot() const override;
};

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_REAL_CLOCK_H_
