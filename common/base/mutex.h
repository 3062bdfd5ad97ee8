#ifndef GRANGE_COMMON_BASE_MUTEX_H_
#define GRANGE_COMMON_BASE_MUTEX_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#if defined(__SANITIZE_THREAD__)
#define GRANGE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GRANGE_TSAN 1
#endif
#endif

#ifdef GRANGE_TSAN
extern "C" void __tsan_acquire(void* addr);
extern "C" void __tsan_release(void* addr);
#endif

namespace grange::base {

// What one thread wrote before Released(p), another sees after Acquired(p). Tells ThreadSanitizer
// of an ordering that uninstrumented library code makes; nothing in other builds.
inline void TsanReleased([[maybe_unused]] void* p) {
#ifdef GRANGE_TSAN
  __tsan_release(p);
#endif
}
inline void TsanAcquired([[maybe_unused]] void* p) {
#ifdef GRANGE_TSAN
  __tsan_acquire(p);
#endif
}

// absl::Mutex that ThreadSanitizer understands: the packaged Abseil is not instrumented, and each
// correct use of its mutex would be reported as a race. Never held over I/O, a callback or a gRPC
// call.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    mu_.Lock();
    TsanAcquired(this);
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    TsanReleased(this);
    mu_.Unlock();
  }

 private:
  friend class CondVar;
  absl::Mutex mu_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(mu) { mu_.Lock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_.Unlock(); }

 private:
  Mutex& mu_;
};

// Waits for a change of what a Mutex guards. Wakes up without cause now and then: wait in a loop.
class CondVar {
 public:
  void Wait(Mutex& mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    TsanReleased(&mu);
    cv_.Wait(&mu.mu_);
    TsanAcquired(&mu);
  }
  // Returns true if `timeout` ran out.
  bool WaitWithTimeout(Mutex& mu, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    TsanReleased(&mu);
    const bool expired = cv_.WaitWithTimeout(&mu.mu_, timeout);
    TsanAcquired(&mu);
    return expired;
  }
  void Signal() { cv_.Signal(); }
  void SignalAll() { cv_.SignalAll(); }

 private:
  absl::CondVar cv_;
};

}  // namespace grange::base

#endif  // GRANGE_COMMON_BASE_MUTEX_H_
