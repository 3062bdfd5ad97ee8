#ifndef GRANGE_AGENT_JOB_KEPT_COUNTER_H_
#define GRANGE_AGENT_JOB_KEPT_COUNTER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "agent/job/worker_pool.h"
#include "common/base/clock.h"
#include "common/os/event_loop.h"

namespace grange::job {

// What an agent keeps on its disk for later jobs.
struct KeptSizes {
  uint32_t work_trees = 0;
  uint64_t work_tree_bytes = 0;
  uint32_t mirrors = 0;
  uint64_t mirror_bytes = 0;

  friend bool operator==(const KeptSizes&, const KeptSizes&) = default;
};

// Counts them now and then, at a worker; of a folder that no job has used since the last time the
// bytes of then count. Used on the loop's thread only. Has no timer while nothing changes.
class KeptCounter {
 public:
  static constexpr absl::Duration kEvery = absl::Minutes(1);

  // All but `state_dir` must outlive the workers.
  KeptCounter(std::string state_dir, os::EventLoop& loop, const Clock& clock, WorkerPool& workers,
              absl::Duration every = kEvery);
  ~KeptCounter() { Stop(); }
  KeptCounter(const KeptCounter&) = delete;
  KeptCounter& operator=(const KeptCounter&) = delete;

  // Something may have changed: counts now, or later if the last time isn't long ago.
  void Count();
  // The agent ends: a worker stops at the next folder.
  void Stop();
  // Of the last time; none yet: not counted.
  const std::optional<KeptSizes>& sizes() const { return sizes_; }

 private:
  struct Known {
    absl::Time last_use;
    uint64_t bytes = 0;
  };
  using Folders = std::map<std::string, Known>;
  struct Counted {
    KeptSizes sizes;
    Folders folders;
  };
  static Counted CountAll(const std::string& state_dir, const Folders& known, absl::Time now,
                          const std::atomic<bool>& stopped);

  const std::string state_dir_;
  os::EventLoop& loop_;
  const Clock& clock_;
  WorkerPool& workers_;
  const absl::Duration every_;
  bool running_ = false;
  bool again_ = false;                                   // something has changed since it began
  absl::Duration last_run_ = -absl::InfiniteDuration();  // since boot
  os::EventLoop::TimerId timer_ = 0;
  Folders folders_;
  std::optional<KeptSizes> sizes_;
  std::shared_ptr<std::atomic<bool>> stopped_;  // shared with work under way
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_KEPT_COUNTER_H_
