#ifndef GRANGE_AGENT_SHIM_LOG_SYNC_H_
#define GRANGE_AGENT_SHIM_LOG_SYNC_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "agent/shim/boot_timer.h"

namespace grange::shim {

// Makes the file `log` durable about once a second while it grows, so that a machine that goes
// down takes at most its last second with it. Each sync has a thread of its own: a slow disk does
// not hold up the job. Without growth there is neither a thread nor a deadline. Times are
// milliseconds since boot.
class LogSync {
 public:
  static constexpr uint64_t kEveryMs = 1000;

  LogSync() = default;
  ~LogSync() { Join(); }
  LogSync(const LogSync&) = delete;
  LogSync& operator=(const LogSync&) = delete;

  // The file has grown.
  void Grown(uint64_t now);
  // When Keep() has something to do; kNever: nothing.
  uint64_t due() const { return due_; }
  // Begins to sync `fd`, which must stay open, if that is due. The errno of an earlier sync that
  // failed, else 0.
  int Keep(int fd, uint64_t now);
  // The file is complete: what has grown since the last sync is durable when this returns, unless
  // that was less than a second after `started`; whoever notes the end durably cares for that.
  // errno.
  int Finish(int fd, uint64_t started, uint64_t now);

 private:
  void Join();

  uint64_t due_ = kNever;
  std::thread thread_;
  std::atomic<bool> running_{false};
  std::atomic<int> error_{0};
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_LOG_SYNC_H_
