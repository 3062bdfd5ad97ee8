#ifndef GRANGE_COORDINATOR_SESSION_ASYNC_STREAM_H_
#define GRANGE_COORDINATOR_SESSION_ASYNC_STREAM_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "common/base/mutex.h"
#include "common/rpc/outbox.h"
#include "common/rpc/status.h"
#include "coordinator/session/call_canceler.h"
#include "coordinator/session/read_pause.h"
#include "coordinator/session/stream_threads.h"

namespace grange::session {

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
