#include "coordinator/session/trace_stream.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/crc32c.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "coordinator/session/agent_service.h"
#include "coordinator/session/control_stream.h"

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
      session_->SetTraceOutbox(outbox());
    }
    session_->Heard();
    if (!message.has_chunk()) return absl::OkStatus();
    return HandleChunk(*message.mutable_chunk());
  }

  absl::Status HandleChunk(v1::TraceChunk& chunk) {
    GRANGE_ASSIGN_OR_RETURN(const Assignment assignment, FromProto(chunk.assignment()));
    if (chunk.data().size() > rpc::kFilePartMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("a trace chunk is larger than ", rpc::kFilePartMax, " bytes"));
    }
    if (chunk.offset() > uint64_t{1} << 62) {
      return absl::InvalidArgumentError("a trace chunk's offset is out of range");
    }
    if (!hub_.gate().Allows(assignment, session_->agent)) {
      v1::HubMsg revoke;
      ToProto(assignment, revoke.mutable_revoke()->mutable_assignment());
      revoke.mutable_revoke()->set_reason("this attempt is not the agent's any more");
      session_->Send(std::move(revoke));
      return absl::OkStatus();
    }
    if (Crc32c(chunk.data()) != chunk.crc32c()) {
      log::Warning("trace_chunk_damaged", {{"job", assignment}, {"offset", chunk.offset()}});
      session_->Resume(assignment, hub_.traces().Size(assignment.job, assignment.attempt));
      return absl::OkStatus();
    }
    if (hub_.traces().QueueIsFull()) {
      session_->WantAgain(assignment, chunk.offset());
      return absl::OkStatus();
    }
    hub_.traces().Append(assignment, chunk.offset(), std::move(*chunk.mutable_data()), session_);
    return absl::OkStatus();
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
