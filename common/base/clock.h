#ifndef GRANGE_COMMON_BASE_CLOCK_H_
#define GRANGE_COMMON_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace grange {

// Where time comes from. The pure core never sees one: it is given `now`. The real clock is
// os::RealClock; this is the fake one and the interface.
class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock: for display only, it may jump.
  virtual absl::Time Now() const = 0;

  // Time since some fixed moment; never goes back and counts suspended time (CLOCK_BOOTTIME).
  // Everything that is decided by time is decided by this one.
  virtual absl::Duration SinceBoot() const = 0;
};

// A clock that stands still until it is moved. Not thread-safe.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time start) : now_(start) {}

  absl::Time Now() const override { return now_; }
  absl::Duration SinceBoot() const override { return since_boot_; }
  void Advance(absl::Duration by);

 private:
  absl::Time now_;
  absl::Duration since_boot_ = absl::Seconds(1000);
};

}  // namespace grange

#endif  // GRANGE_COMMON_BASE_CLOCK_H_
