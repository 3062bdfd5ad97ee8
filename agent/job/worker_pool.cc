#include "agent/job/worker_pool.h"

#include <utility>

namespace grange::job {

WorkerPool::~WorkerPool() {
  std::vector<std::thread> threads;
  {
    base::MutexLock lock(mu_);
    ending_ = true;
    waiting_.clear();
    threads.swap(threads_);
    changed_.SignalAll();
  }
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::Run(absl::AnyInvocable<void()> work) {
  base::MutexLock lock(mu_);
  if (ending_) return;
  waiting_.push_back(std::move(work));
  if (idle_ >= waiting_.size() || threads_.size() >= threads_max_) {
    changed_.Signal();
    return;
  }
  threads_.emplace_back([this] { Loop(); });
}

void WorkerPool::Loop() {
  while (true) {
    absl::AnyInvocable<void()> work;
    {
      base::MutexLock lock(mu_);
      ++idle_;
      while (waiting_.empty() && !ending_) changed_.Wait(mu_);
      --idle_;
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace grange::job
