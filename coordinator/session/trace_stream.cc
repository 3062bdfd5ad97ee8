#include "coordinator/session/trace_stream.h"

#include <memory>
#include <string>
#include <utility>

#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "coordinator/session/agent_service.h"
#include "coordinator/session/control_stream.h"
#include "coordinator/session/mark_message.h"
#include "coordinator/session/trace_chunk.h"

namespace grange::session {
namespace {

class TraceStream : public AsyncStream<v1::TraceMsg, v1::TraceReply> {
 public:
  explicit TraceStream(SessionHub& hub) : hub_(hub) {}

 protected:
  void OnBegin(const grpc::ServerContext& context) override { credential_ = BearerOf(context); }

  bool OnMessage(v1::TraceMsg& message) override {
    const absl::Status handled = Handle(message);
    if (handled.ok()) return true;
    log::Warning("bad_trace_message", {{"error", handled}});
    status_ = handled;  // before Close(): FinalStatus() is asked for after the outbox's lock
    outbox()->Close();
    return false;
  }

  void OnOver() override {}
  absl::Status FinalStatus() override { return status_; }

 private:
  absl::Status Handle(v1::TraceMsg& message) {
    if (session_ == nullptr) {
      session_ = hub_.Find(message.session_id(), credential_);
      if (session_ == nullptr) {
        return absl::UnauthenticatedError("this trace stream belongs to no open session");
      }
      session_->SetTraceStream(outbox(), canceler(), pause());
    }
    session_->Heard();
    if (!message.has_chunk() && !message.has_mark()) return absl::OkStatus();
    pause()->Want();  // before it can be let go
    GRANGE_ASSIGN_OR_RETURN(const Reading reading, Take(message));
    if (reading == Reading::kGoOn) pause()->Forget();
    return absl::OkStatus();
  }
  absl::StatusOr<Reading> Take(v1::TraceMsg& message) {
    if (message.has_mark()) return TakeMark(hub_, session_, message.mark());
    return TakeChunk(hub_, session_, *message.mutable_chunk());
  }

  SessionHub& hub_;
  std::string credential_;
  std::shared_ptr<AgentSession> session_;
  absl::Status status_;
};

}  // namespace

void AcceptTraceStreams(AgentService& service, SessionHub& hub, StreamThreads& threads) {
  auto* const stream = new TraceStream(hub);  // belongs to itself
  stream->Accept(
      threads,
      [&service](grpc::ServerContext* context, auto* call, grpc::ServerCompletionQueue* queue,
                 void* tag) { service.RequestTrace(context, call, queue, queue, tag); },
      [&service, &hub, &threads] { AcceptTraceStreams(service, hub, threads); });
}

}  // namespace grange::session
