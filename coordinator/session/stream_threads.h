#ifndef GRANGE_COORDINATOR_SESSION_STREAM_THREADS_H_
#define GRANGE_COORDINATOR_SESSION_STREAM_THREADS_H_

#include <grpcpp/completion_queue.h>

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/base/mutex.h"
#include "common/os/deadline.h"

namespace grange::session {

// The threads that carry the asynchronous streams. They wait in gRPC without a deadline: the callback
// API would do the same with threads that wake up twice a second each and sleep for 100 ms now and
// then while messages wait (docs/adr/0008-which-grpc-api-where.md).
class StreamThreads {
 public:
  // What is called when an operation has ended.
  using Tag = std::function<void(bool ok)>;

  explicit StreamThreads(std::unique_ptr<grpc::ServerCompletionQueue> queue)
      : queue_(std::move(queue)) {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Run(); });
  }
  // After Server::Shutdown(): runs the streams to their end, then ends. gRPC takes a server for shut
  // down once its calls are over on the wire; a stream may have to begin its Finish() after that,
  // and gRPC aborts the process if the queue is shut down before.
  ~StreamThreads() {
    {
      base::MutexLock lock(mu_);
      const os::Deadline deadline(kLastStreamMax);
      while (streams_ > 0 && !deadline.IsOver()) gone_.WaitWithTimeout(mu_, deadline.Left());
    }
    queue_->Shutdown();
    for (std::thread& thread : threads_) thread.join();
  }
  StreamThreads(const StreamThreads&) = delete;
  StreamThreads& operator=(const StreamThreads&) = delete;

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  // Each stream says that it is there, and that it is gone.
  void StreamMade() {
    base::MutexLock lock(mu_);
    ++streams_;
  }
  void StreamGone() {
    base::MutexLock lock(mu_);
    if (--streams_ == 0) gone_.SignalAll();
  }

 private:
  static constexpr int kThreads = 1;
  // All calls were canceled by then: longer than this takes only a fault of ours.
  static constexpr absl::Duration kLastStreamMax = absl::Seconds(10);

  void Run() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) (*static_cast<Tag*>(tag))(ok);
  }

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  base::Mutex mu_;
  base::CondVar gone_;
  int streams_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::thread> threads_;
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_STREAM_THREADS_H_
