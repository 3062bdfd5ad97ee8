#ifndef GRANGE_COMMON_OS_EVENT_LOOP_H_
#define GRANGE_COMMON_OS_EVENT_LOOP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "common/base/mutex.h"
#include "common/os/unique_fd.h"

namespace grange::os {

// One thread, a mailbox, descriptors and timers, on epoll. Sleeps until something happens: no
// ticks. All callbacks run on the thread that calls Run(); only Post() and Stop() may be called
// from others.
class EventLoop {
 public:
  using Task = absl::AnyInvocable<void()>;
  using TimerId = uint64_t;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until Stop(); then the tasks that were posted before it have run.
  void Run();
  void Stop();

  // Runs `task` soon on the loop's thread, in the order of posting. From any thread.
  void Post(Task task) ABSL_LOCKS_EXCLUDED(mu_);

  // Calls `on_ready(events)` whenever `fd` has one of `events` (EPOLLIN, …; level-triggered). The
  // descriptor stays the caller's, who calls Unwatch() before closing it.
  void Watch(int fd, uint32_t events, std::function<void(uint32_t)> on_ready);
  void Rewatch(int fd, uint32_t events);  // other events for a watched descriptor
  void Unwatch(int fd);

  // Runs `task` once after `delay` (CLOCK_BOOTTIME). Cancel() of one that ran is fine.
  TimerId After(absl::Duration delay, Task task);
  void Cancel(TimerId timer);

 private:
  struct Watched;
  struct Timer;

  void DrainMailbox();
  void RunTimers();
  void ArmTimer();

  UniqueFd epoll_, wake_, timer_fd_;
  base::Mutex mu_;
  std::vector<Task> mailbox_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::map<int, std::shared_ptr<Watched>> watched_;
  std::map<TimerId, Timer> timers_;
  std::set<std::pair<int64_t, TimerId>> by_time_;
  TimerId next_timer_ = 1;
};

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_EVENT_LOOP_H_
