#ifndef GRANGE_AGENT_JOB_WORKER_POOL_H_
#define GRANGE_AGENT_JOB_WORKER_POOL_H_

#include <deque>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/base/mutex.h"

namespace grange::job {

// A few threads for work that blocks: git, archives, file transfers. A thread is started only when
// there is work and no idle one, up to `threads_max`; what comes beyond waits in order. Idle
// threads sleep without a timer. Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(size_t threads_max) : threads_max_(threads_max) {}
  // Work that has not begun is dropped; waits for the rest: stop it first.
  ~WorkerPool();

  void Run(absl::AnyInvocable<void()> work) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mu_);

  const size_t threads_max_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::deque<absl::AnyInvocable<void()>> waiting_ ABSL_GUARDED_BY(mu_);
  size_t idle_ ABSL_GUARDED_BY(mu_) = 0;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_WORKER_POOL_H_
