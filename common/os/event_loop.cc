#include "common/os/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include <cerrno>

#include "common/base/check.h"

namespace grange::os {
namespace {

int64_t NowNanos() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

struct EventLoop::Watched {
  std::function<void(uint32_t)> on_ready;
};

struct EventLoop::Timer {
  int64_t at = 0;
  Task task;
};

EventLoop::EventLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_fd_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) {
  GRANGE_CHECK(epoll_.is_open() && wake_.is_open() && timer_fd_.is_open());
  Watch(wake_.get(), EPOLLIN, [this](uint32_t) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_.get(), &count, sizeof count);
  });
  Watch(timer_fd_.get(), EPOLLIN, [this](uint32_t) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(timer_fd_.get(), &count, sizeof count);
    RunTimers();
  });
}

EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  while (true) {
    DrainMailbox();
    {
      base::MutexLock lock(mu_);
      if (stop_ && mailbox_.empty()) return;
    }
    epoll_event events[64];
    const int count = epoll_wait(epoll_.get(), events, 64, -1);
    for (int i = 0; i < count; ++i) {
      const auto found = watched_.find(events[i].data.fd);
      if (found == watched_.end()) continue;  // unwatched by a callback of this round
      const std::shared_ptr<Watched> watched = found->second;  // it may unwatch itself
      watched->on_ready(events[i].events);
    }
  }
}

void EventLoop::Stop() {
  {
    base::MutexLock lock(mu_);
    stop_ = true;
  }
  Post([] {});
}

void EventLoop::Post(Task task) {
  bool first;
  {
    base::MutexLock lock(mu_);
    first = mailbox_.empty();
    mailbox_.push_back(std::move(task));
  }
  if (!first) return;  // whoever made it non-empty has woken the loop
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = write(wake_.get(), &one, sizeof one);
}

void EventLoop::Watch(int fd, uint32_t events, std::function<void(uint32_t)> on_ready) {
  watched_[fd] = std::make_shared<Watched>(Watched{std::move(on_ready)});
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  GRANGE_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void EventLoop::Rewatch(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  GRANGE_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::Unwatch(int fd) {
  if (watched_.erase(fd) > 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::After(absl::Duration delay, Task task) {
  const TimerId id = next_timer_++;
  const int64_t nanos = absl::ToInt64Nanoseconds(std::min(delay, absl::Hours(24 * 365)));
  const int64_t at = NowNanos() + std::max<int64_t>(nanos, 0);
  timers_[id] = Timer{at, std::move(task)};
  by_time_.insert({at, id});
  ArmTimer();
  return id;
}

void EventLoop::Cancel(TimerId timer) {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return;
  by_time_.erase({found->second.at, timer});
  timers_.erase(found);
  ArmTimer();
}

void EventLoop::DrainMailbox() {
  std::vector<Task> tasks;
  {
    base::MutexLock lock(mu_);
    tasks.swap(mailbox_);
  }
  for (Task& task : tasks) task();
}

void EventLoop::RunTimers() {
  const int64_t now = NowNanos();
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    const TimerId id = by_time_.begin()->second;
    by_time_.erase(by_time_.begin());
    Task task = std::move(timers_[id].task);
    timers_.erase(id);
    task();
  }
  ArmTimer();
}

void EventLoop::ArmTimer() {
  itimerspec when{};
  if (!by_time_.empty()) {
    const int64_t at = by_time_.begin()->first;
    when.it_value.tv_sec = at / 1'000'000'000;
    when.it_value.tv_nsec = at % 1'000'000'000;
  }
  timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace grange::os
