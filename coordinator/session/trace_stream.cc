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
#include "common/rpc/status.h"
#include "coordinator/session/control_stream.h"

namespace grange::session {
namespace {

class TraceStream : public grpc::ServerBidiReactor<v1::TraceMsg, v1::TraceReply>,
                    public AgentSession::TraceOutbox::Stream {
 public:
  TraceStream(SessionHub& hub, std::string credential)
      : hub_(hub),
        credential_(std::move(credential)),
        outbox_(std::make_shared<AgentSession::TraceOutbox>(this)) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return outbox_->Abort();
    base::TsanAcquired(this);
    const absl::Status handled = Handle();
    if (!handled.ok()) {
      log::Warning("bad_trace_message", {{"error", handled}});
      status_ = handled;  // before Close(): FinishSending() reads it after the outbox's lock
      return outbox_->Close();
    }
    message_.Clear();
    base::TsanReleased(this);
    StartRead(&message_);
  }

  void OnWriteDone(bool ok) override { outbox_->OnSent(ok); }
  void OnCancel() override { outbox_->Abort(); }
  void OnDone() override { delete this; }

  // AgentSession::TraceOutbox::Stream
  void StartSend(const v1::TraceReply* reply) override { StartWrite(reply); }
  void FinishSending() override { Finish(rpc::ToGrpc(status_)); }

 private:
  absl::Status Handle() {
    if (session_ == nullptr) {
      session_ = hub_.Find(message_.session_id(), credential_);
      if (session_ == nullptr) {
        return absl::UnauthenticatedError("this trace stream belongs to no open session");
      }
      session_->SetTraceOutbox(outbox_);
    }
    session_->Heard();
    if (!message_.has_chunk()) return absl::OkStatus();
    return HandleChunk(*message_.mutable_chunk());
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
  const std::string credential_;
  const std::shared_ptr<AgentSession::TraceOutbox> outbox_;
  std::shared_ptr<AgentSession> session_;
  v1::TraceMsg message_;
  absl::Status status_;
};

}  // namespace

grpc::ServerBidiReactor<v1::TraceMsg, v1::TraceReply>* NewTraceStream(
    SessionHub& hub, grpc::CallbackServerContext& context) {
  return new TraceStream(hub, BearerOf(context));
}

}  // namespace grange::session
