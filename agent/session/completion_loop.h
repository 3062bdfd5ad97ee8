#ifndef GRANGE_AGENT_SESSION_COMPLETION_LOOP_H_
#define GRANGE_AGENT_SESSION_COMPLETION_LOOP_H_

#include <grpcpp/completion_queue.h>

#include <functional>
#include <thread>

#include "common/os/event_loop.h"

namespace grange::session {

// Brings the completions of gRPC's asynchronous client calls to the loop's thread: one thread that
// waits in gRPC without a deadline. gRPC's callback API would do the same with at least two threads
// that wake up twice a second each, busy or not, and sleep 100 ms now and then while messages wait.
//
// Tag() is for the loop's thread. The loop must outlive this; calls that are under way when it goes
// must have been canceled, and their tags are then dropped.
class CompletionLoop {
 public:
  explicit CompletionLoop(os::EventLoop& loop);
  ~CompletionLoop();
  CompletionLoop(const CompletionLoop&) = delete;
  CompletionLoop& operator=(const CompletionLoop&) = delete;

  grpc::CompletionQueue* queue() { return &queue_; }
  // A tag for one operation: `on_done(ok)` runs once on the loop's thread.
  void* Tag(std::function<void(bool)> on_done);

 private:
  os::EventLoop& loop_;
  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_COMPLETION_LOOP_H_
