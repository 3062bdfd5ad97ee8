#include "agent/workspace/cancellation.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "common/base/check.h"

namespace grange::workspace {

Cancellation::Cancellation() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  GRANGE_CHECK(event_.is_open());
}

void Cancellation::Cancel() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = write(event_.get(), &one, sizeof one);
  while (true) {
    std::function<void()> hook;
    {
      base::MutexLock lock(mu_);
      canceled_ = true;
      if (calling_ != 0 || hooks_.empty()) return;
      calling_ = hooks_.begin()->first;
      hook = std::move(hooks_.begin()->second);
      hooks_.erase(hooks_.begin());
    }
    hook();
    base::MutexLock lock(mu_);
    calling_ = 0;
    called_.SignalAll();
  }
}

bool Cancellation::canceled() const {
  base::MutexLock lock(mu_);
  return canceled_;
}

Cancellation::Hook::Hook(Cancellation& cancellation, std::function<void()> hook)
    : cancellation_(cancellation) {
  bool now;
  {
    base::MutexLock lock(cancellation_.mu_);
    id_ = cancellation_.next_id_++;
    now = cancellation_.canceled_;
    if (!now) cancellation_.hooks_[id_] = hook;
  }
  if (now) hook();
}

Cancellation::Hook::~Hook() {
  base::MutexLock lock(cancellation_.mu_);
  cancellation_.hooks_.erase(id_);
  while (cancellation_.calling_ == id_) cancellation_.called_.Wait(cancellation_.mu_);
}

}  // namespace grange::workspace
