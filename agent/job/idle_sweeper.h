#ifndef GRANGE_AGENT_JOB_IDLE_SWEEPER_H_
#define GRANGE_AGENT_JOB_IDLE_SWEEPER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "agent/job/worker_pool.h"
#include "agent/workspace/sweep_plan.h"
#include "common/base/clock.h"
#include "common/os/event_loop.h"

namespace grange::job {

struct SweepSettings {
  workspace::KeepLimits keep;
  absl::Duration every = absl::Hours(1);  // at most so often
};

// Removes the work trees and mirrors that are too old or too many, and says what it has removed.
// Used on the loop's thread only: there it takes them out of the way, which is the moment that
// decides, as nobody else gives or takes slots then. Lists, measures and removes at a worker. Has
// no timer.
class IdleSweeper {
 public:
  // The paths that jobs use, or would find and use without asking again.
  using InUse = std::function<std::set<std::string>()>;

  // All but `settings` and `state_dir` must outlive the workers; `in_use` only this one.
  IdleSweeper(const SweepSettings& settings, std::string state_dir, os::EventLoop& loop,
              const Clock& clock, WorkerPool& workers, InUse in_use);
  ~IdleSweeper() { Stop(); }
  IdleSweeper(const IdleSweeper&) = delete;
  IdleSweeper& operator=(const IdleSweeper&) = delete;

  // When all jobs that are here are known, and after each job. Does nothing if the last time isn't
  // long enough ago.
  void Run();
  // Called on the loop's thread whenever something has gone.
  void set_on_removed(std::function<void()> on_removed) { on_removed_ = std::move(on_removed); }
  // The agent ends: a worker stops at the next folder, what it has left goes at the next start.
  void Stop() { *stopped_ = true; }

 private:
  void TakeAway(std::vector<workspace::KeptFolder> folders);

  const SweepSettings settings_;
  const std::string state_dir_;
  os::EventLoop& loop_;
  const Clock& clock_;
  WorkerPool& workers_;
  const InUse in_use_;
  std::function<void()> on_removed_;
  bool running_ = false;
  absl::Duration last_run_ = -absl::InfiniteDuration();  // since boot
  std::shared_ptr<std::atomic<bool>> stopped_;           // shared with work under way
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_IDLE_SWEEPER_H_
