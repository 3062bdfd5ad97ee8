#ifndef GRANGE_COMMON_BASE_MUTEX_H_
#define GRANGE_COMMON_BASE_MUTEX_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
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

// A mutex with thread-safety annotations. The standard library's below it, not Abseil's: the packaged
// Abseil waits for a time on the wall clock, so that a clock set back would hold up each wait by as
// much (ADR 0017); and ThreadSanitizer knows this one. Never held over I/O, a callback or a gRPC
// call.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mu_;
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
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  // By the monotonic clock. Returns true if `timeout` ran out.
  bool WaitWithTimeout(Mutex& mu, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    // The standard library adds it to now: what is near to infinite would overflow.
    timeout = std::min(timeout, absl::Hours(24 * 365));
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    const std::cv_status status =
        cv_.wait_until(lock, std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout));
    lock.release();
    return status == std::cv_status::timeout;
  }
  void Signal() { cv_.notify_one(); }
  void SignalAll() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace grange::base

#endif  // GRANGE_COMMON_BASE_MUTEX_H_
