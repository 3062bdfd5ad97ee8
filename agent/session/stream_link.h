#ifndef GRANGE_AGENT_SESSION_STREAM_LINK_H_
#define GRANGE_AGENT_SESSION_STREAM_LINK_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/async_stream.h>

#include <functional>
#include <memory>
#include <utility>

#include "agent/session/completion_loop.h"

namespace grange::session {

// One bidirectional stream to the coordinator, seen from the loop's thread: everything here runs
// there. What gRPC has under way shares this object, so it lives until the stream has ended.
//
// Make it with Start(). The callbacks are called until `on_end`, which comes exactly once and last,
// also after Cancel().
template <typename Out, typename In>
class StreamLink : public std::enable_shared_from_this<StreamLink<Out, In>> {
 public:
  struct Callbacks {
    std::function<void(In)> on_message;
    std::function<void()> on_written;
    std::function<void(const grpc::Status&)> on_end;
  };
  using Stream = grpc::ClientAsyncReaderWriter<Out, In>;
  // Called once: stub->PrepareAsyncMethod(context, queue).
  using Opener =
      std::function<std::unique_ptr<Stream>(grpc::ClientContext*, grpc::CompletionQueue*)>;

  static std::shared_ptr<StreamLink> Start(CompletionLoop& completions,
                                           std::unique_ptr<grpc::ClientContext> context,
                                           const Opener& open, Callbacks callbacks) {
    auto link = std::shared_ptr<StreamLink>(
        new StreamLink(completions, std::move(context), std::move(callbacks)));
    link->stream_ = open(link->context_.get(), completions.queue());
    link->stream_->StartCall(link->Tag(&StreamLink::OnStarted));
    return link;
  }

  // False, with nothing done, while an earlier write is under way or once the stream is ending.
  bool Write(std::shared_ptr<const Out> message) {
    if (writing_ != nullptr || ending_) return false;
    writing_ = std::move(message);
    if (started_) StartWrite();
    return true;
  }

  // Ends the stream; `on_end` follows.
  void Cancel() { context_->TryCancel(); }

 private:
  StreamLink(CompletionLoop& completions, std::unique_ptr<grpc::ClientContext> context,
             Callbacks callbacks)
      : completions_(completions), context_(std::move(context)), callbacks_(std::move(callbacks)) {}

  void* Tag(void (StreamLink::*handler)(bool)) {
    return completions_.Tag(
        [link = this->shared_from_this(), handler](bool ok) { (link.get()->*handler)(ok); });
  }

  void OnStarted(bool ok) {
    started_ = true;
    if (!ok) {
      writing_.reset();
      return End();
    }
    stream_->Read(&incoming_, Tag(&StreamLink::OnRead));
    if (writing_ != nullptr) StartWrite();
  }
  void StartWrite() {
    write_under_way_ = true;
    stream_->Write(*writing_, Tag(&StreamLink::OnWritten));
  }
  void OnWritten(bool ok) {
    write_under_way_ = false;
    writing_.reset();
    if (ending_) return End();
    if (ok) callbacks_.on_written();  // if not, the read fails as well
  }
  void OnRead(bool ok) {
    if (!ok) return End();
    In message = std::move(incoming_);
    incoming_ = In();
    stream_->Read(&incoming_, Tag(&StreamLink::OnRead));
    callbacks_.on_message(std::move(message));
  }
  // After the last read, once no write is under way.
  void End() {
    ending_ = true;
    if (write_under_way_ || finishing_) return;
    finishing_ = true;
    stream_->Finish(&status_, Tag(&StreamLink::OnFinished));
  }
  void OnFinished(bool) { callbacks_.on_end(status_); }

  CompletionLoop& completions_;
  const std::unique_ptr<grpc::ClientContext> context_;
  const Callbacks callbacks_;
  std::unique_ptr<Stream> stream_;
  In incoming_;
  std::shared_ptr<const Out> writing_;  // shared with whoever else keeps the message
  grpc::Status status_;
  bool started_ = false;
  bool write_under_way_ = false;
  bool ending_ = false;
  bool finishing_ = false;
};

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_STREAM_LINK_H_
