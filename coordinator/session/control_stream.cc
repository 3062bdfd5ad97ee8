#include "coordinator/session/control_stream.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/mutex.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "coordinator/session/agent_service.h"
#include "coordinator/session/message_budget.h"

namespace grange::session {
namespace {

// It lists the agent's jobs: some 100 bytes each, of kSlotsMax that run and those whose results wait.
constexpr size_t kHelloMax = 1 << 20;

// What outlives the reactor: others end the stream through this.
class StreamEnd : public ControlStreamEnd {
 public:
  StreamEnd(std::shared_ptr<AgentSession::ControlOutbox> outbox,
            std::shared_ptr<CallCanceler> canceler)
      : outbox_(std::move(outbox)), canceler_(std::move(canceler)) {}

  void End(const absl::Status& status) override {
    Set(status);
    outbox_->Close();
  }
  void Cancel(const absl::Status& status) override {
    Set(status);
    outbox_->Abort();
    canceler_->Cancel();
  }
  absl::Status status() {
    base::MutexLock lock(mu_);
    return status_;
  }

 private:
  void Set(const absl::Status& status) {
    base::MutexLock lock(mu_);
    if (!set_) status_ = status;
    set_ = true;
  }

  const std::shared_ptr<AgentSession::ControlOutbox> outbox_;
  const std::shared_ptr<CallCanceler> canceler_;
  base::Mutex mu_;
  bool set_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

class ControlStream : public AsyncStream<v1::AgentMsg, v1::HubMsg> {
 public:
  explicit ControlStream(SessionHub& hub)
      : hub_(hub), end_(std::make_shared<StreamEnd>(outbox(), canceler())) {
    session_ = std::make_shared<AgentSession>(outbox(), end_, hub.clock());
  }

 protected:
  void OnBegin(const grpc::ServerContext& context) override {
    credential_ = BearerOf(context);
    session_->peer = rpc::PeerAddress(context.peer());
    session_->Heard();
    if (!hub_.OnOpened(session_)) {
      end_->Cancel(absl::ResourceExhaustedError(
          "too many connections wait to be admitted; try again in a minute"));
    }
  }

  bool OnMessage(v1::AgentMsg& message) override {
    if (!said_hello_) {
      if (!message.has_hello()) return Refuse("the first message must be a hello");
      if (message.ByteSizeLong() > kHelloMax) {
        return Refuse(absl::StrCat("a hello is larger than ", kHelloMax, " bytes"));
      }
      said_hello_ = true;
      hub_.OnHello(session_, credential_, std::move(*message.mutable_hello()));
      return true;
    }
    if (message.ByteSizeLong() > rpc::kControlMessageMax) {
      return Refuse(
          absl::StrCat("a control message is larger than ", rpc::kControlMessageMax, " bytes"));
    }
    if (!budget_.Take(hub_.clock().SinceBoot())) return EndFlood();
    const absl::Status handled = hub_.OnMessage(session_, message);
    return handled.ok() || Refuse(handled.message());
  }

  void OnOver() override { hub_.OnEnded(session_); }
  absl::Status FinalStatus() override { return end_->status(); }

 private:
  bool Refuse(absl::string_view why) {
    log::Warning("bad_message", {{"agent", session_->agent}, {"error", std::string(why)}});
    end_->End(absl::InvalidArgumentError(why));
    return false;
  }

  // What has come since is dropped with the stream. Its jobs go on.
  bool EndFlood() {
    end_->End(hub_.SendAway(session_));
    return false;
  }

  SessionHub& hub_;
  const std::shared_ptr<StreamEnd> end_;
  std::shared_ptr<AgentSession> session_;
  std::string credential_;
  bool said_hello_ = false;  // messages never come two at once
  MessageBudget budget_;     // the same
};

}  // namespace

void AcceptControlStreams(AgentService& service, SessionHub& hub, StreamThreads& threads) {
  auto* const stream = new ControlStream(hub);  // belongs to itself
  stream->Accept(
      threads,
      [&service](grpc::ServerContext* context, auto* call, grpc::ServerCompletionQueue* queue,
                 void* tag) { service.RequestControl(context, call, queue, queue, tag); },
      [&service, &hub, &threads] { AcceptControlStreams(service, hub, threads); });
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
