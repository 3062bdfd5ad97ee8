#ifndef GRANGE_COORDINATOR_SESSION_ASYNC_STREAM_H_
#define GRANGE_COORDINATOR_SESSION_ASYNC_STREAM_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/base/mutex.h"
#include "common/os/deadline.h"
#include "common/rpc/outbox.h"
#include "common/rpc/status.h"
#include "coordinator/session/call_canceler.h"
#include "coordinator/session/read_pause.h"

namespace grange::session {

// The threads that carry the agents' streams. They wait in gRPC without a deadline: the callback
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

// One bidirectional stream of an agent, on the server's side. It belongs to itself from Accept()
// until its read, its end and its Finish() are all over; then it deletes itself. Others hold its
// outbox, never the stream: sends never overlap, and Finish() happens exactly once.
template <typename In, typename Out>
class AsyncStream : public rpc::Outbox<Out>::Stream {
 public:
  using Outbox = rpc::Outbox<Out>;
  // Asks gRPC for the next call of this kind: service.RequestX(context, stream, queue, queue, tag).
  using Request = std::function<void(grpc::ServerContext*, grpc::ServerAsyncReaderWriter<Out, In>*,
                                     grpc::ServerCompletionQueue*, void*)>;

  AsyncStream()
      : outbox_(std::make_shared<Outbox>(this)),
        canceler_(std::make_shared<CallCanceler>()),
        pause_(std::make_shared<ReadPause>([this] { stream_.Read(&message_, &read_); })),
        stream_(&context_) {}

  // Waits for a call; once it has come, `next` makes the stream that waits for the one after it.
  void Accept(StreamThreads& threads, const Request& request, std::function<void()> next) {
    next_ = std::move(next);
    threads_ = &threads;
    threads.StreamMade();
    context_.AsyncNotifyWhenDone(&ended_);
    request(&context_, &stream_, threads.queue(), &begun_);
  }

 protected:
  // One message; never two at once. False: no more is read (the outbox has been closed).
  virtual bool OnMessage(In& message) = 0;
  // Before the first message.
  virtual void OnBegin(const grpc::ServerContext& context) = 0;
  // Everything is over; the stream goes next.
  virtual void OnOver() = 0;
  // What the peer is told; asked for once, after Close() or Abort() of the outbox.
  virtual absl::Status FinalStatus() = 0;

  const std::shared_ptr<Outbox>& outbox() { return outbox_; }
  const std::shared_ptr<CallCanceler>& canceler() { return canceler_; }
  // OnMessage() may Want() it: then the next message is read once it is let go.
  const std::shared_ptr<ReadPause>& pause() { return pause_; }

 private:
  void StartSend(const Out* message) override { stream_.Write(*message, &written_); }
  void FinishSending() override { stream_.Finish(rpc::ToGrpc(FinalStatus()), &finished_); }

  void Begun(bool ok) {
    if (!ok) {  // the server stops: no call has come, and none of the other tags will
      return Delete();
    }
    next_();
    canceler_->SetCall(&context_);
    OnBegin(context_);
    stream_.Read(&message_, &read_);
  }

  void Read(bool ok) {
    base::TsanAcquired(this);
    if (!ok) {
      outbox_->Abort();
      return Release();
    }
    if (!OnMessage(message_)) return Release();
    message_.Clear();
    base::TsanReleased(this);
    if (!pause_->Hold()) stream_.Read(&message_, &read_);
  }

  void Ended() {
    if (context_.IsCancelled()) outbox_->Abort();
    pause_->Stop();
    Release();
  }

  void Release() {
    if (--open_ > 0) return;
    canceler_->SetCall(nullptr);
    OnOver();
    Delete();
  }

  void Delete() {
    StreamThreads* const threads = threads_;
    delete this;
    threads->StreamGone();
  }

  const std::shared_ptr<Outbox> outbox_;
  const std::shared_ptr<CallCanceler> canceler_;
  const std::shared_ptr<ReadPause> pause_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<Out, In> stream_;
  std::function<void()> next_;
  StreamThreads* threads_ = nullptr;  // from Accept() on
  In message_;
  std::atomic<int> open_{3};  // reading, the call's end, Finish()
  StreamThreads::Tag begun_ = [this](bool ok) { Begun(ok); };
  StreamThreads::Tag read_ = [this](bool ok) { Read(ok); };
  StreamThreads::Tag written_ = [this](bool ok) { outbox_->OnSent(ok); };
  StreamThreads::Tag finished_ = [this](bool) { Release(); };
  StreamThreads::Tag ended_ = [this](bool) { Ended(); };
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_ASYNC_STREAM_H_
