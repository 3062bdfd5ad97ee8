#ifndef GRANGE_COMMON_OS_DEADLINE_H_
#define GRANGE_COMMON_OS_DEADLINE_H_

#include "absl/time/time.h"

namespace grange::os {

// Time since the machine's start, sleep included; setting the wall clock doesn't move it.
absl::Duration SinceBoot();

// A moment from which on waiting is over. By SinceBoot(): an hour more or less on the wall clock
// ends nothing early and holds nothing up.
class Deadline {
 public:
  explicit Deadline(absl::Duration timeout) : at_(SinceBoot() + timeout) {}

  absl::Duration Left() const { return at_ - SinceBoot(); }  // negative when it is over
  bool IsOver() const { return Left() <= absl::ZeroDuration(); }

 private:
  absl::Duration at_;
};

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_DEADLINE_H_
