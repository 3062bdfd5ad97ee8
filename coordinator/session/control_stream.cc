#include "coordinator/session/control_stream.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/mutex.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"

namespace grange::session {
namespace {

class ControlStream;

// What outlives the reactor: others end the stream through this.
class StreamEnd : public ControlStreamEnd {
 public:
  void Attach(std::shared_ptr<AgentSession::ControlOutbox> outbox) { outbox_ = std::move(outbox); }

  void End(const absl::Status& status) override {
    {
      base::MutexLock lock(mu_);
      if (!set_) status_ = status;
      set_ = true;
    }
    outbox_->Close();
  }
  absl::Status status() {
    base::MutexLock lock(mu_);
    return status_;
  }

 private:
  std::shared_ptr<AgentSession::ControlOutbox> outbox_;  // before it is shared
  base::Mutex mu_;
  bool set_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

class ControlStream : public grpc::ServerBidiReactor<v1::AgentMsg, v1::HubMsg>,
                      public AgentSession::ControlOutbox::Stream {
 public:
  ControlStream(SessionHub& hub, std::string credential)
      : hub_(hub), credential_(std::move(credential)) {
    outbox_ = std::make_shared<AgentSession::ControlOutbox>(this);
    end_ = std::make_shared<StreamEnd>();
    end_->Attach(outbox_);
    session_ = std::make_shared<AgentSession>(outbox_, end_, hub.clock());
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Gone();
    base::TsanAcquired(this);
    if (!said_hello_) {
      if (!message_.has_hello()) return Refuse("the first message must be a hello");
      said_hello_ = true;
      hub_.OnHello(session_, credential_, std::move(*message_.mutable_hello()));
    } else {
      if (message_.ByteSizeLong() > rpc::kControlMessageMax) {
        return Refuse(absl::StrCat("a control message is larger than ", rpc::kControlMessageMax,
                                   " bytes"));
      }
      const absl::Status handled = hub_.OnMessage(session_, message_);
      if (!handled.ok()) return Refuse(handled.message());
    }
    message_.Clear();
    base::TsanReleased(this);
    StartRead(&message_);
  }

  void OnWriteDone(bool ok) override { outbox_->OnSent(ok); }
  void OnCancel() override { outbox_->Abort(); }
  void OnDone() override {
    hub_.OnEnded(session_);
    delete this;
  }

  // AgentSession::ControlOutbox::Stream
  void StartSend(const v1::HubMsg* message) override { StartWrite(message); }
  void FinishSending() override { Finish(rpc::ToGrpc(end_->status())); }

 private:
  // The peer has closed its side or the line is gone.
  void Gone() {
    end_->End(absl::OkStatus());
    outbox_->Abort();
  }
  void Refuse(absl::string_view why) {
    log::Warning("bad_message", {{"agent", session_->agent}, {"error", std::string(why)}});
    end_->End(absl::InvalidArgumentError(why));
  }

  SessionHub& hub_;
  const std::string credential_;
  std::shared_ptr<AgentSession::ControlOutbox> outbox_;
  std::shared_ptr<StreamEnd> end_;
  std::shared_ptr<AgentSession> session_;
  v1::AgentMsg message_;
  bool said_hello_ = false;  // reactions to reads never overlap
};

}  // namespace

grpc::ServerBidiReactor<v1::AgentMsg, v1::HubMsg>* NewControlStream(
    SessionHub& hub, grpc::CallbackServerContext& context) {
  return new ControlStream(hub, BearerOf(context));
}

std::string BearerOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return "";
  absl::string_view value(found->second.data(), found->second.size());
  if (!absl::ConsumePrefix(&value, "Bearer ")) return "";
  return std::string(value);
}

}  // namespace grange::session
