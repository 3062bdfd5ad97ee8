#include "coordinator/control/change_feed.h"
#include "common/os/deadline.h"

#include <utility>
#include <vector>

namespace grange::control {

void Wakeup::Signal(unsigned causes) {
  base::MutexLock lock(mu_);
  signalled_ |= causes;
  cv_.Signal();
}

void Wakeup::Signal(const PipelineChange& change) {
  {
    base::MutexLock lock(mu_);
    change_.pipeline |= change.pipeline;
    change_.jobs.insert(change.jobs.begin(), change.jobs.end());
  }
  Signal(change.pipeline ? kState | kAtOnce : unsigned{kState});
}

PipelineChange Wakeup::TakeChange() {
  base::MutexLock lock(mu_);
  return std::exchange(change_, {});
}

unsigned Wakeup::Wait(unsigned causes, absl::Duration timeout) {
  const os::Deadline deadline(timeout);
  base::MutexLock lock(mu_);
  while ((signalled_ & causes) == 0) {
    const absl::Duration left = deadline.Left();
    if (left <= absl::ZeroDuration()) return 0;
    cv_.WaitWithTimeout(mu_, left);
  }
  const unsigned signalled = signalled_ & causes;
  signalled_ &= ~causes;
  return signalled;
}

std::unique_ptr<ChangeFeed::Handle> ChangeFeed::Subscribe(PipelineId pipeline,
                                                          std::shared_ptr<Wakeup> wakeup) {
  {
    base::MutexLock lock(mu_);
    waiting_[pipeline].insert(wakeup);
  }
  return std::make_unique<Handle>(*this, pipeline, std::move(wakeup));
}

void ChangeFeed::Publish(PipelineId pipeline, const PipelineChange& change) {
  std::vector<std::shared_ptr<Wakeup>> waiting;
  {
    base::MutexLock lock(mu_);
    const auto found = waiting_.find(pipeline);
    if (found == waiting_.end()) return;
    waiting.assign(found->second.begin(), found->second.end());
  }
  for (const std::shared_ptr<Wakeup>& wakeup : waiting) wakeup->Signal(change);
}

void ChangeFeed::Close() {
  std::vector<std::shared_ptr<Wakeup>> waiting;
  {
    base::MutexLock lock(mu_);
    closed_ = true;
    for (const auto& [pipeline, wakeups] : waiting_) {
      waiting.insert(waiting.end(), wakeups.begin(), wakeups.end());
    }
  }
  for (const std::shared_ptr<Wakeup>& wakeup : waiting) {
    wakeup->Signal(Wakeup::kState | Wakeup::kAtOnce);
  }
}

bool ChangeFeed::closed() const {
  base::MutexLock lock(mu_);
  return closed_;
}

void ChangeFeed::Remove(PipelineId pipeline, const std::shared_ptr<Wakeup>& wakeup) {
  base::MutexLock lock(mu_);
  const auto found = waiting_.find(pipeline);
  if (found == waiting_.end()) return;
  const auto one = found->second.find(wakeup);
  if (one != found->second.end()) found->second.erase(one);
  if (found->second.empty()) waiting_.erase(found);
}

}  // namespace grange::control
