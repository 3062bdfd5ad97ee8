#ifndef GRANGE_COORDINATOR_SESSION_MESSAGE_BUDGET_H_
#define GRANGE_COORDINATOR_SESSION_MESSAGE_BUDGET_H_

#include <algorithm>

#include "absl/time/time.h"

namespace grange::session {

// How many control messages one agent may send: so many a second, and as many at once as two
// seconds give. Even an agent that runs hundreds of jobs a second stays far below. Not thread-safe.
class MessageBudget {
 public:
  static constexpr double kPerSecond = 2000;
  static constexpr double kAtOnce = 2 * kPerSecond;

  // One message has come. False if it is one too many. `now` never goes back.
  bool Take(absl::Duration now) {
    left_ = std::min(kAtOnce, left_ + kPerSecond * absl::ToDoubleSeconds(now - at_));
    at_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double left_ = kAtOnce;
  absl::Duration at_;
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_MESSAGE_BUDGET_H_
