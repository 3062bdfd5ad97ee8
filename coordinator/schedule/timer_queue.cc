#include "coordinator/schedule/timer_queue.h"

namespace grange::schedule {

std::optional<TimerQueue::Timer> TimerQueue::PopDue(absl::Time now) {
  if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
  const Timer timer = queue_.begin()->second;
  queue_.erase(queue_.begin());
  at_.erase(timer);
  return timer;
}

absl::Time TimerQueue::NextDeadline() const {
  return queue_.empty() ? absl::InfiniteFuture() : queue_.begin()->first;
}

void TimerQueue::Set(Timer timer, absl::Time at) {
  Remove(timer);
  queue_.emplace(at, timer);
  at_.emplace(timer, at);
}

void TimerQueue::Remove(Timer timer) {
  const auto found = at_.find(timer);
  if (found == at_.end()) return;
  queue_.erase({found->second, timer});
  at_.erase(found);
}

}  // namespace grange::schedule
