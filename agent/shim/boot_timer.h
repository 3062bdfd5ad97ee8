#ifndef GRANGE_AGENT_SHIM_BOOT_TIMER_H_
#define GRANGE_AGENT_SHIM_BOOT_TIMER_H_

#include <sys/timerfd.h>

#include <cerrno>
#include <cstdint>

#include "agent/shim/owned_fd.h"

namespace grange::shim {

inline constexpr uint64_t kNever = UINT64_MAX;

// A descriptor that becomes readable at one moment of CLOCK_BOOTTIME.
class BootTimer {
 public:
  // errno, or 0.
  int Open() {
    fd_.Reset(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    return fd_.is_open() ? 0 : errno;
  }
  int fd() const { return fd_.get(); }

  // kNever: not at all. No system call if nothing changes.
  void Set(uint64_t at_ms) {
    if (at_ms == at_ms_) return;
    at_ms_ = at_ms;
    itimerspec when{};
    if (at_ms != kNever) {
      when.it_value.tv_sec = static_cast<time_t>(at_ms / 1000);
      when.it_value.tv_nsec = static_cast<long>(at_ms % 1000) * 1'000'000;
      if (at_ms == 0) when.it_value.tv_nsec = 1;  // zero would disarm it
    }
    timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  // Called when it was readable.
  void Clear() {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(fd_.get(), &count, sizeof count);
    at_ms_ = kNever;
  }

 private:
  OwnedFd fd_;
  uint64_t at_ms_ = kNever;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_BOOT_TIMER_H_
