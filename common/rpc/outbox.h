#ifndef GRANGE_COMMON_RPC_OUTBOX_H_
#define GRANGE_COMMON_RPC_OUTBOX_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/base/mutex.h"

namespace grange::rpc {

// The queue of messages for one peer, and the only way to its stream: sends never overlap and the
// stream is ended exactly once, by whoever holds the right to send. So a stream cannot die under a
// sender, and the reactor may delete itself in OnDone().
//
// Thread-safe. Shared by the reactor and by those who have something to say; the reactor's Stream
// must live until FinishSending() was called and gRPC has reported OnDone().
template <typename Message>
class Outbox {
 public:
  // The reactor, as the outbox sees it. Called without a lock, never concurrently.
  class Stream {
   public:
    virtual ~Stream() = default;
    virtual void StartSend(const Message* message) = 0;  // StartWrite; the message stays valid
    virtual void FinishSending() = 0;                    // server: Finish; client: RemoveHold …
  };

  static constexpr size_t kMessagesMax = 16384;

  explicit Outbox(Stream* stream) : stream_(stream) {}

  // False, with nothing queued, once it is closed, or when kMessagesMax wait: the peer does not
  // read, and the caller should Abort().
  bool Post(Message message) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      base::MutexLock lock(mu_);
      if (closing_ || waiting_.size() >= kMessagesMax) return false;
      waiting_.push_back(std::move(message));
    }
    Pump();
    return true;
  }

  // Ends the stream when all that waits has been handed to it.
  void Close() ABSL_LOCKS_EXCLUDED(mu_) {
    {
      base::MutexLock lock(mu_);
      closing_ = true;
    }
    Pump();
  }

  // Drops what waits and ends the stream. True if that must wait for a send that is under way: of a
  // peer that does not read it may last, and the caller may want to cancel the call.
  bool Abort() ABSL_LOCKS_EXCLUDED(mu_) {
    bool waits;
    {
      base::MutexLock lock(mu_);
      waits = sending_;
      closing_ = true;
      waiting_.clear();
    }
    Pump();
    return waits;
  }

  // From OnWriteDone(ok).
  void OnSent(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      base::MutexLock lock(mu_);
      base::TsanAcquired(&in_flight_);
      sending_ = false;
      if (!ok) {
        closing_ = true;
        waiting_.clear();
      }
    }
    Pump();
  }

  size_t waiting() const ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    return waiting_.size() + (sending_ ? 1 : 0);
  }

 private:
  void Pump() ABSL_LOCKS_EXCLUDED(mu_) {
    bool finish;
    {
      base::MutexLock lock(mu_);
      if (sending_ || (!closing_ && waiting_.empty())) return;
      sending_ = true;  // after finishing it is never given back
      finish = waiting_.empty();
      if (!finish) {
        in_flight_ = std::move(waiting_.front());
        waiting_.pop_front();
        base::TsanReleased(&in_flight_);
      }
    }
    if (finish) return stream_->FinishSending();
    stream_->StartSend(&in_flight_);
  }

  Stream* const stream_;
  mutable base::Mutex mu_;
  std::deque<Message> waiting_ ABSL_GUARDED_BY(mu_);  // at most kMessagesMax
  bool sending_ ABSL_GUARDED_BY(mu_) = false;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  Message in_flight_;  // owned by the stream while sending_
};

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_OUTBOX_H_
