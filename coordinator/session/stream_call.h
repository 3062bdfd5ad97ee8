#ifndef GRANGE_COORDINATOR_SESSION_STREAM_CALL_H_
#define GRANGE_COORDINATOR_SESSION_STREAM_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <atomic>
#include <functional>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/base/mutex.h"
#include "coordinator/session/stream_threads.h"

namespace grange::session {

// How many calls may be answered at once; shared by all kinds that are counted together.
struct StreamCallLimit {
  const int most;
  std::atomic<int> running = 0;
};

// Where the answers of a call go, one after the other. Belongs to the call; for its thread only.
template <typename Reply>
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;
  // Blocks while the peer's window is full. False: the call is over.
  virtual bool Write(const Reply& reply) = 0;
  // What goes with the end of the call, in one message: the handler returns OK now.
  virtual grpc::Status End(Reply last) = 0;
  // Once the call is over, for whatever reason, calls `tell`: on another thread, or at once; it
  // must not block.
  virtual void WhenOver(std::function<void()> tell) = 0;
};

// A call of one request and many replies that may last for days, on a thread of its own, which
// sleeps outside of gRPC while the peer takes nothing. A thread that sleeps in a write of gRPC's
// synchronous API takes part in the work of all connections meanwhile: fifty of them wake each
// other up, and a job's log took 8 % longer beside as many stopped watchers (ADR 0008).
//
// Belongs to itself, from Accept() until its handler, its end and its Finish() are all over.
template <typename Request, typename Reply>
class StreamCall : public ReplyWriter<Reply> {
 public:
  using Handler =
      std::function<grpc::Status(grpc::ServerContext&, const Request&, ReplyWriter<Reply>&)>;
  // Asks gRPC for the next call of this kind: service.RequestX(context, request, writer, queue,
  // queue, tag).
  using Ask = std::function<void(grpc::ServerContext*, Request*, grpc::ServerAsyncWriter<Reply>*,
                                 grpc::ServerCompletionQueue*, void*)>;

  // Answers all calls of this kind from now on, until the server stops. `limit` and what `handler`
  // uses must outlive `threads`.
  static void Accept(StreamThreads& threads, StreamCallLimit& limit, Ask ask, Handler handler) {
    auto* const call = new StreamCall(threads, limit, std::move(ask), std::move(handler));
    threads.StreamMade();
    call->context_.AsyncNotifyWhenDone(&call->ended_);
    call->ask_(&call->context_, &call->request_, &call->writer_, threads.queue(), &call->begun_);
  }

  bool Write(const Reply& reply) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      base::MutexLock lock(mu_);
      writing_ = true;
    }
    writer_.Write(reply, &written_);
    base::MutexLock lock(mu_);
    while (writing_) changed_.Wait(mu_);
    return write_ok_;
  }

  grpc::Status End(Reply last) override {
    last_ = std::move(last);
    return grpc::Status::OK;
  }

  void WhenOver(std::function<void()> tell) override ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    if (is_over_) return tell();
    tell_ = std::move(tell);
  }

 private:
  StreamCall(StreamThreads& threads, StreamCallLimit& limit, Ask ask, Handler handler)
      : threads_(threads),
        limit_(limit),
        ask_(std::move(ask)),
        handler_(std::move(handler)),
        writer_(&context_) {}

  void Begun(bool ok) {
    if (!ok) return Delete();  // the server stops: none of the other tags will come
    Accept(threads_, limit_, ask_, handler_);
    if (++limit_.running > limit_.most || !StartThread()) {
      writer_.Finish({grpc::StatusCode::RESOURCE_EXHAUSTED,
                      "too many watch already; end a watch or a logs -f, or try again later"},
                     &finished_);
    }
    Release();
  }

  bool StartThread() {
    try {
      thread_ = std::thread([this] { Finish(handler_(context_, request_, *this)); });
    } catch (const std::system_error&) {  // the system has no more threads
      return false;
    }
    return true;
  }

  void Finish(const grpc::Status& status) {
    if (!last_.has_value()) return writer_.Finish(status, &finished_);
    writer_.WriteAndFinish(*last_, grpc::WriteOptions(), status, &finished_);
  }

  void Written(bool ok) ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    writing_ = false;
    write_ok_ = ok;
    changed_.Signal();
  }

  void Ended() ABSL_LOCKS_EXCLUDED(mu_) {
    {
      base::MutexLock lock(mu_);
      is_over_ = true;
      if (tell_) tell_();
    }
    Release();
  }

  void Release() {
    if (--open_ > 0) return;
    if (thread_.joinable()) thread_.join();  // it has begun Finish(), its last step
    --limit_.running;
    Delete();
  }

  void Delete() {
    StreamThreads& threads = threads_;
    delete this;
    threads.StreamGone();
  }

  StreamThreads& threads_;
  StreamCallLimit& limit_;
  const Ask ask_;
  const Handler handler_;
  grpc::ServerContext context_;
  grpc::ServerAsyncWriter<Reply> writer_;
  Request request_;
  std::optional<Reply> last_;  // of the handler's thread
  std::thread thread_;
  std::atomic<int> open_{3};  // Begun(), the call's end, Finish()
  base::Mutex mu_;
  base::CondVar changed_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool write_ok_ ABSL_GUARDED_BY(mu_) = true;
  bool is_over_ ABSL_GUARDED_BY(mu_) = false;
  std::function<void()> tell_ ABSL_GUARDED_BY(mu_);
  StreamThreads::Tag begun_ = [this](bool ok) { Begun(ok); };
  StreamThreads::Tag written_ = [this](bool ok) { Written(ok); };
  StreamThreads::Tag finished_ = [this](bool) { Release(); };
  StreamThreads::Tag ended_ = [this](bool) { Ended(); };
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_STREAM_CALL_H_
