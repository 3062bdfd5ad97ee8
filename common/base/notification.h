#ifndef GRANGE_COMMON_BASE_NOTIFICATION_H_
#define GRANGE_COMMON_BASE_NOTIFICATION_H_

#include "absl/base/thread_annotations.h"
#include "common/base/mutex.h"

namespace grange::base {

// Something that happens once. What was done before Notify() is seen by who has waited for it, also
// by the thread sanitizer, which sees nothing of the order that the packaged absl::Notification
// makes. May be destroyed as soon as a wait has returned. Thread-safe.
class Notification {
 public:
  void Notify() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    notified_ = true;
    changed_.SignalAll();
  }
  bool HasBeenNotified() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return notified_;
  }
  void WaitForNotification() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (!notified_) changed_.Wait(mu_);
  }

 private:
  mutable Mutex mu_;
  mutable CondVar changed_;
  bool notified_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace grange::base

#endif  // GRANGE_COMMON_BASE_NOTIFICATION_H_
