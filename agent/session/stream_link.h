#ifndef GRANGE_AGENT_SESSION_STREAM_LINK_H_
#define GRANGE_AGENT_SESSION_STREAM_LINK_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "common/base/mutex.h"
#include "common/os/event_loop.h"

namespace grange::session {

// The loop's end of one bidirectional stream to the coordinator. gRPC's reactor only moves messages
// into the loop; everything here runs on the loop's thread. The reactor deletes itself when gRPC
// has no more use for it; it shares this object, so that what it posts always finds it.
//
// Make it with Start(). The callbacks are called until `on_end`, which comes exactly once and last
// (also after Cancel()), unless Forget() was called before.
template <typename Out, typename In>
class StreamLink : public std::enable_shared_from_this<StreamLink<Out, In>> {
 public:
  struct Callbacks {
    std::function<void(In)> on_message;
    std::function<void()> on_written;
    std::function<void(const grpc::Status&)> on_end;
  };
  // Called once, to bind the reactor to the stub's method: stub->async()->Method(context, reactor).
  using Opener = std::function<void(grpc::ClientContext*, grpc::ClientBidiReactor<Out, In>*)>;

  static std::shared_ptr<StreamLink> Start(os::EventLoop& loop,
                                           std::unique_ptr<grpc::ClientContext> context,
                                           const Opener& open, Callbacks callbacks) {
    auto link = std::shared_ptr<StreamLink>(new StreamLink(std::move(callbacks)));
    link->reactor_ = new Reactor(loop, std::move(context), link);
    link->reactor_->Begin(open);
    return link;
  }

  // Only when no earlier write is under way; false if the stream has ended.
  bool Write(std::shared_ptr<const Out> message) {
    if (reactor_ == nullptr || writing_ != nullptr) return false;
    writing_ = std::move(message);
    reactor_->Send(writing_.get());
    return true;
  }
  bool writing() const { return writing_ != nullptr; }

  // Ends the stream; `on_end` follows.
  void Cancel() {
    if (reactor_ != nullptr) reactor_->TryCancel();
  }
  // Says that nothing more will be written; the peer then ends the stream.
  void WritesDone() {
    if (reactor_ != nullptr && writing_ == nullptr) reactor_->StartWritesDone();
  }
  // No callback is called any more.
  void Forget() { callbacks_ = {}; }

 private:
  class Reactor final : public grpc::ClientBidiReactor<Out, In> {
   public:
    Reactor(os::EventLoop& loop, std::unique_ptr<grpc::ClientContext> context,
            std::shared_ptr<StreamLink> link)
        : loop_(loop), context_(std::move(context)), link_(std::move(link)) {}

    void Begin(const Opener& open) {
      open(context_.get(), this);
      this->AddHold();  // writes come from outside reactions, until OnReadClosed()
      this->StartRead(&incoming_);
      this->StartCall();
    }
    void Send(const Out* message) { this->StartWrite(message); }
    void TryCancel() { context_->TryCancel(); }

   private:
    void OnReadDone(bool ok) override {
      if (!ok) {
        loop_.Post([link = link_] { link->OnReadClosed(); });
        return;
      }
      loop_.Post([link = link_, message = std::move(incoming_)]() mutable {
        link->OnMessage(std::move(message));
      });
      incoming_ = In();
      this->StartRead(&incoming_);
    }
    void OnWriteDone(bool ok) override {
      loop_.Post([link = link_, ok] { link->OnWritten(ok); });
    }
    void OnDone(const grpc::Status& status) override {
      loop_.Post([link = std::move(link_), status] { link->OnEnd(status); });
      delete this;
    }

    os::EventLoop& loop_;
    const std::unique_ptr<grpc::ClientContext> context_;
    std::shared_ptr<StreamLink> link_;  // shared: outlives either side's interest in the other
    In incoming_;
  };

  explicit StreamLink(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

  void OnMessage(In message) {
    const auto call = callbacks_.on_message;
    if (call) call(std::move(message));
  }
  void OnWritten(bool ok) {
    writing_.reset();
    const auto call = callbacks_.on_written;
    if (ok && call) call();
  }
  // The last moment at which the reactor surely exists: from here on nothing is started on it.
  void OnReadClosed() { std::exchange(reactor_, nullptr)->RemoveHold(); }
  void OnEnd(const grpc::Status& status) {
    const auto call = std::exchange(callbacks_, {}).on_end;
    if (call) call(status);
  }

  Callbacks callbacks_;
  Reactor* reactor_ = nullptr;  // valid until OnReadClosed()
  std::shared_ptr<const Out> writing_;
};

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_STREAM_LINK_H_
