#include "common/os/real_clock.h"
#include "common/os/deadline.h"

#include <time.h>

namespace grange::os {

absl::Time RealClock::Now() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return absl::TimeFromTimespec(now);
}

absl::Duration RealClock::SinceBoot() const { return os::SinceBoot(); }

absl::Duration SinceBoot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace grange::os
