#ifndef GRANGE_COORDINATOR_CONTROL_CHANGE_FEED_H_
#define GRANGE_COORDINATOR_CONTROL_CHANGE_FEED_H_

#include <map>
#include <memory>
#include <set>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "common/base/mutex.h"

namespace grange::control {

// Which rows of a pipeline are new: its own, and those of jobs. A watcher of a large pipeline must
// not read all of it for each job that moves.
struct PipelineChange {
  bool pipeline = false;
  std::set<JobId> jobs;
};

// Where one waiting thread sleeps until something that it watches has changed. Thread-safe.
class Wakeup {
 public:
  // kAtOnce: what must not be held back, such as the pipeline's own state.
  enum Cause : unsigned { kState = 1, kTrace = 2, kAtOnce = 4 };

  void Signal(unsigned causes) ABSL_LOCKS_EXCLUDED(mu_);
  // kState with what has changed, and kAtOnce if the pipeline has.
  void Signal(const PipelineChange& change) ABSL_LOCKS_EXCLUDED(mu_);
  // All changes since the last call. Rows that are read afterwards are at least as new.
  PipelineChange TakeChange() ABSL_LOCKS_EXCLUDED(mu_);
  // Until one of `causes` was signalled since it was last waited for, or `timeout` is over. Which
  // of them were; 0 if the time was over.
  unsigned Wait(unsigned causes, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  base::Mutex mu_;
  base::CondVar cv_;
  unsigned signalled_ ABSL_GUARDED_BY(mu_) = 0;
  PipelineChange change_ ABSL_GUARDED_BY(mu_);  // no more jobs than the pipeline has
};

// Tells watchers that rows of a pipeline have changed (and are committed): they read them
// themselves, so a slow watcher costs nobody anything. Thread-safe.
class ChangeFeed {
 public:
  // Signals `wakeup` at each change of `pipeline` until the handle goes.
  class Handle {
   public:
    Handle(ChangeFeed& feed, PipelineId pipeline, std::shared_ptr<Wakeup> wakeup)
        : feed_(feed), pipeline_(pipeline), wakeup_(std::move(wakeup)) {}
    ~Handle() { feed_.Remove(pipeline_, wakeup_); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

   private:
    ChangeFeed& feed_;
    const PipelineId pipeline_;
    const std::shared_ptr<Wakeup> wakeup_;
  };
  std::unique_ptr<Handle> Subscribe(PipelineId pipeline, std::shared_ptr<Wakeup> wakeup)
      ABSL_LOCKS_EXCLUDED(mu_);

  void Publish(PipelineId pipeline, const PipelineChange& change) ABSL_LOCKS_EXCLUDED(mu_);
  // The coordinator stops: all waiting threads wake up and see closed().
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  bool closed() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Remove(PipelineId pipeline, const std::shared_ptr<Wakeup>& wakeup) ABSL_LOCKS_EXCLUDED(mu_);

  mutable base::Mutex mu_;
  std::map<PipelineId, std::multiset<std::shared_ptr<Wakeup>>> waiting_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_CHANGE_FEED_H_
