#ifndef GRANGE_COORDINATOR_SESSION_READ_PAUSE_H_
#define GRANGE_COORDINATOR_SESSION_READ_PAUSE_H_

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/base/mutex.h"

namespace grange::session {

// Holds back the next read of a stream until somebody else says that there is room: what the peer
// goes on sending fills its window, and then it waits. Shared by the stream and those who let it go
// on. A Go() that comes between Want() and Hold() is not lost. Thread-safe.
class ReadPause {
 public:
  // `read` begins the stream's next read; called with no lock held.
  explicit ReadPause(std::function<void()> read) : read_(std::move(read)) {}

  // --- by the stream, in this order for one message
  // A Go() from now on counts.
  void Want() { Set(State::kReading, State::kWanted); }
  // There is room: it reads on.
  void Forget() { Set(State::kWanted, State::kReading); }
  // True: the next read begins with Go() or Stop(), not now.
  bool Hold() { return Set(State::kWanted, State::kHeld); }

  // There is room again. Any thread.
  void Go() { Leave(State::kReading); }
  // The call has ended: a read that is held begins, and fails. No other is held any more.
  void Stop() { Leave(State::kOver); }

 private:
  enum class State { kReading, kWanted, kHeld, kOver };

  bool Set(State from, State to) ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    if (state_ != from) return false;
    state_ = to;
    return true;
  }
  void Leave(State to) ABSL_LOCKS_EXCLUDED(mu_) {
    State was;
    {
      base::MutexLock lock(mu_);
      was = state_;
      if (was != State::kOver) state_ = to;
    }
    // Nobody else begins it: the stream waits for it, and so is there.
    if (was == State::kHeld) read_();
  }

  const std::function<void()> read_;
  base::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kReading;
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_READ_PAUSE_H_
