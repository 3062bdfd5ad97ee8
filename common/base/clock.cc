#include "common/base/clock.h"

namespace grange {

void FakeClock::Advance(absl::Duration by) {
  now_ += by;
  since_boot_ += by;
}

}  // namespace grange
