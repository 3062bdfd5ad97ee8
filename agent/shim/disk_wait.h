#ifndef GRANGE_AGENT_SHIM_DISK_WAIT_H_
#define GRANGE_AGENT_SHIM_DISK_WAIT_H_

#include <algorithm>
#include <cstdint>

#include "agent/shim/boot_timer.h"

namespace grange::shim {

// When to write again what a full disk has refused, and for how long. An agent that has paused the
// job decides itself who is to fail: as long as it is there, the time does not count. Pure; times
// are milliseconds since boot.
class DiskWait {
 public:
  static constexpr uint64_t kRetryMs = 500;

  explicit DiskWait(uint64_t patience) : patience_(patience) {}

  // How things stand now: whether bytes are held, and whether an agent has paused the job.
  void Note(bool holds, bool paused, uint64_t now) {
    if (!holds) {
      since_ = retry_at_ = kNever;
      return;
    }
    if (since_ == kNever || paused) since_ = now;
    if (retry_at_ == kNever || now >= retry_at_) retry_at_ = now + kRetryMs;
  }
  bool IsTimeToRetry(uint64_t now) const { return now >= retry_at_; }
  bool IsOver(uint64_t now) const { return since_ != kNever && now - since_ >= patience_; }
  // kNever: nothing is held.
  uint64_t due() const { return retry_at_; }

 private:
  const uint64_t patience_;
  uint64_t since_ = kNever;
  uint64_t retry_at_ = kNever;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_DISK_WAIT_H_
