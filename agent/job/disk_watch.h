#ifndef GRANGE_AGENT_JOB_DISK_WATCH_H_
#define GRANGE_AGENT_JOB_DISK_WATCH_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/job/disk_guard.h"
#include "agent/job/worker_pool.h"
#include "common/base/clock.h"
#include "common/os/event_loop.h"

namespace grange::job {

// Where an attempt has its bytes.
struct DiskPlace {
  Assignment assignment;
  bool runs = false;
  std::string folder;
  std::string work_tree;                         // "": its script hasn't begun, or is over
  absl::Time began_at = absl::InfiniteFuture();  // the script
};

// Looks at the agent's disk every few seconds while jobs run, and has done what DiskGuard decides.
// While nothing runs it does nothing. Used on the loop's thread only; sizes are measured by a
// worker, and only when somebody is to fail.
class DiskWatch {
 public:
  // The jobs on the disk: the job table.
  class Jobs {
   public:
    virtual ~Jobs() = default;
    virtual std::vector<DiskPlace> DiskPlaces() const = 0;
    virtual void PauseOutput(bool on) = 0;
    virtual void FailLargest(const DiskUse& use) = 0;
    // Gives back what no job needs.
    virtual void DropIdleWorkTrees() = 0;
  };

  // All but `state_dir` and `limits` must outlive the workers.
  DiskWatch(const DiskLimits& limits, std::string state_dir, os::EventLoop& loop,
            const Clock& clock, WorkerPool& workers, Jobs& jobs);
  ~DiskWatch();
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;

  // A job runs. True if it has to be paused.
  bool OnRunning();

  // Why no further job can be taken, or "".
  std::string WhyNot() const;
  // Disk space of the folders of all jobs: their logs, mostly.
  uint64_t SpoolBytes() const;

  // `assignment`, whose script has failed: has it filled the disk, and with how much? Answers on
  // the loop's thread, at once as long as there is space.
  using Answer = std::function<void(bool is_full, const std::optional<DiskUse>& largest)>;
  void Judge(const Assignment& assignment, Answer answer);

 private:
  void Look();
  void Measure(std::function<void(const std::vector<DiskUse>&)> then);

  const DiskLimits limits_;
  const std::string state_dir_;
  os::EventLoop& loop_;
  const Clock& clock_;
  WorkerPool& workers_;
  Jobs& jobs_;
  DiskGuard guard_;
  bool paused_ = false;
  os::EventLoop::TimerId timer_ = 0;
  std::shared_ptr<bool> alive_;  // shared with work that comes back to the loop
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_DISK_WATCH_H_
