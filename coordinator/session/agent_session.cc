#include "coordinator/session/agent_session.h"

#include <utility>

#include "common/log/log.h"
#include "coordinator/session/codec.h"

namespace grange::session {

AgentSession::AgentSession(std::shared_ptr<ControlOutbox> outbox,
                           std::shared_ptr<ControlStreamEnd> end, const Clock& clock)
    : outbox_(std::move(outbox)), end_(std::move(end)), clock_(clock) {
  Heard();
}

void AgentSession::Send(v1::HubMsg message) {
  if (outbox_->Post(std::move(message))) return;
  if (outbox_->waiting() < ControlOutbox::kMessagesMax) return;  // it is being ended already
  Cancel(absl::ResourceExhaustedError("the agent does not read its messages"));
}

void AgentSession::Heard() { heard_at_ns_ = absl::ToInt64Nanoseconds(clock_.SinceBoot()); }

absl::Duration AgentSession::silence() const {
  return clock_.SinceBoot() - absl::Nanoseconds(heard_at_ns_.load());
}

void AgentSession::Ack(const Assignment& assignment, uint64_t durable) {
  v1::TraceReply reply;
  ToProto(assignment, reply.mutable_ack()->mutable_assignment());
  reply.mutable_ack()->set_durable(durable);
  PostTrace(std::move(reply));
}

void AgentSession::Resume(const Assignment& assignment, uint64_t offset) {
  v1::TraceReply reply;
  ToProto(assignment, reply.mutable_resume()->mutable_assignment());
  reply.mutable_resume()->set_offset(offset);
  PostTrace(std::move(reply));
}

void AgentSession::Failed(const Assignment& assignment, const absl::Status& status) {
  log::Warning("trace_not_stored", {{"job", assignment}, {"agent", agent}, {"error", status}});
}

void AgentSession::Drained() {
  std::shared_ptr<ReadPause> pause;
  {
    base::MutexLock lock(mu_);
    pause = trace_pause_;
  }
  if (pause != nullptr) pause->Go();
}

void AgentSession::SetTraceStream(std::shared_ptr<TraceOutbox> outbox,
                                  std::shared_ptr<CallCanceler> canceler,
                                  std::shared_ptr<ReadPause> pause) {
  {
    base::MutexLock lock(mu_);
    pause.swap(trace_pause_);
    outbox.swap(trace_outbox_);
    canceler.swap(trace_canceler_);
  }
  if (outbox != nullptr && outbox->Abort()) canceler->Cancel();
}

void AgentSession::PostTrace(v1::TraceReply reply) {
  std::shared_ptr<TraceOutbox> outbox;
  {
    base::MutexLock lock(mu_);
    outbox = trace_outbox_;
  }
  // A stream that is gone needs no answer: the next one starts with the offsets of the Welcome.
  if (outbox != nullptr) outbox->Post(std::move(reply));
}

}  // namespace grange::session
