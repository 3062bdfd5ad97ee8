#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "common/rpc/features.h"
#include "coordinator/session/message_size.h"
#include "coordinator/session/session_hub.h"

// What agents say on their sessions, and what the core has them told.
namespace grange::session {
namespace {

// Two of the trace store's groups: one on its way while the other is being synced.
constexpr uint64_t kUnackedJobMax = 8 << 20;
constexpr uint64_t kUnackedAgentMax = 32 << 20;

v1::HubMsg RevokeMessage(const Assignment& assignment, absl::string_view reason) {
  v1::HubMsg message;
  ToProto(assignment, message.mutable_revoke()->mutable_assignment());
  message.mutable_revoke()->set_reason(std::string(reason));
  return message;
}

AgentKept ToKept(const v1::Kept& kept) {
  return {.work_trees = kept.work_trees(),
          .work_tree_bytes = kept.work_tree_bytes(),
          .mirrors = kept.mirrors(),
          .mirror_bytes = kept.mirror_bytes(),
          .spool_bytes = kept.spool_bytes()};
}

}  // namespace

absl::Status SessionHub::OnMessage(const std::shared_ptr<AgentSession>& session,
                                   v1::AgentMsg& message) {
  session->Heard();
  if (!session->ready && message.body_case() != v1::AgentMsg::kHeartbeat) {
    return absl::InvalidArgumentError("a message came before the coordinator's welcome");
  }
  // Nothing that arrives late from an older session is looked at (§4.1).
  if (session->ready && !IsCurrent(session)) return absl::OkStatus();
  const AgentId agent = session->agent;
  const schedule::SessionId id = session->id;
  switch (message.body_case()) {
    case v1::AgentMsg::kHeartbeat: {
      v1::HubMsg ack;
      ack.mutable_heartbeat_ack()->set_sent_at_ms(message.heartbeat().sent_at_ms());
      session->Send(std::move(ack));
      if (session->ready) {
        base::MutexLock lock(mu_);
        last_contact_[agent] = clock_.Now();
        if (message.heartbeat().has_kept()) kept_[agent] = ToKept(message.heartbeat().kept());
      }
      return absl::OkStatus();
    }
    case v1::AgentMsg::kAccept: {
      GRANGE_ASSIGN_OR_RETURN(const Assignment about, FromProto(message.accept().assignment()));
      listener_.OnEvent(schedule::JobAccepted{agent, id, about});
      return absl::OkStatus();
    }
    case v1::AgentMsg::kDecline: {
      GRANGE_ASSIGN_OR_RETURN(const Assignment about, FromProto(message.decline().assignment()));
      listener_.OnEvent(schedule::JobDeclined{
          agent, id, about, FrontOf(message.decline().reason(), kDetailBytesMax)});
      return absl::OkStatus();
    }
    case v1::AgentMsg::kStarted: {
      GRANGE_ASSIGN_OR_RETURN(const Assignment about, FromProto(message.started().assignment()));
      gate_.SetNote(about, agent, "");  // the event is news enough
      listener_.OnEvent(schedule::JobStarted{agent, id, about});
      return absl::OkStatus();
    }
    case v1::AgentMsg::kResult: {
      GRANGE_ASSIGN_OR_RETURN(JobResult result, FromProto(message.result()));
      GRANGE_RETURN_IF_ERROR(
          gate_.CheckBytes(result.assignment, message.result().trace_bytes()));
      OnResult(session, message.result(), std::move(result));
      return absl::OkStatus();
    }
    case v1::AgentMsg::kNote: {
      GRANGE_ASSIGN_OR_RETURN(const Assignment about, FromProto(message.note().assignment()));
      if (gate_.SetNote(about, agent, NoteText(message.note().text()))) listener_.OnNote(about.job);
      return absl::OkStatus();
    }
    case v1::AgentMsg::kBye:
      log::Info("agent_said_bye", {{"agent", agent}, {"reason", message.bye().reason()}});
      session->End(absl::OkStatus());
      return absl::OkStatus();
    case v1::AgentMsg::kHello:
      return absl::InvalidArgumentError("a second hello on one stream");
    case v1::AgentMsg::BODY_NOT_SET:
      return absl::OkStatus();  // of a newer agent: unknown bodies are ignored
  }
  return absl::OkStatus();
}

void SessionHub::OnResult(const std::shared_ptr<AgentSession>& session,
                          const v1::JobResult& message, JobResult result) {
  result.agent = session->agent;
  result.session = session->id;
  if (!gate_.Allows(result.assignment, session->agent)) {
    // Not this agent's any more, or final already: the scheduler knows what to answer.
    listener_.OnResult(std::move(result));
    return;
  }
  const Assignment assignment = result.assignment;
  traces_.Finish(
      assignment, message.trace_bytes(), message.trace_sha256(), session,
      // Not this hub: the traces end after it, and have a last word then.
      [&listener = listener_,
       result = std::move(result)](absl::StatusOr<trace::TraceStore::End> end) mutable {
        if (!end.ok()) {
          // The agent keeps the result and sends it again with its next session.
          log::Error("trace_not_durable", {{"job", result.assignment}, {"error", end.status()}});
          return;
        }
        result.trace = *std::move(end);
        listener.OnResult(std::move(result));
      });
}

void SessionHub::SendWelcome(const schedule::SendWelcome& welcome) {
  v1::HubMsg message;
  v1::Welcome& body = *message.mutable_welcome();
  for (const schedule::SendWelcome::JobVerdict& verdict : welcome.verdicts) {
    using Verdict = schedule::SendWelcome::Verdict;
    v1::JobVerdict* const added = body.add_verdicts();
    ToProto(verdict.assignment, added->mutable_assignment());
    added->set_kind(ToProto(verdict.verdict));
    if (verdict.verdict == Verdict::kGoOn || verdict.verdict == Verdict::kStart) {
      gate_.Open(verdict.assignment, welcome.agent);
      added->set_trace_offset(traces_.Size(verdict.assignment.job, verdict.assignment.attempt));
    }
  }
  const std::shared_ptr<AgentSession> session = Get(welcome.agent, welcome.session);
  if (session == nullptr) return;
  body.set_session_id(session->public_id);
  body.set_protocol(kProtocolMax);
  for (const absl::string_view feature : rpc::kFeatures) {
    const std::vector<std::string>& has = session->features;
    if (std::find(has.begin(), has.end(), feature) != has.end()) {
      body.add_features(std::string(feature));
    }
  }
  body.set_lease_ttl_ms(absl::ToInt64Milliseconds(options_.lease_ttl));
  body.set_heartbeat_every_ms(absl::ToInt64Milliseconds(options_.heartbeat_every));
  body.set_silence_limit_ms(absl::ToInt64Milliseconds(options_.silence_limit));
  body.mutable_limits()->set_unacked_trace_bytes_job(kUnackedJobMax);
  body.mutable_limits()->set_unacked_trace_bytes_agent(kUnackedAgentMax);
  body.mutable_limits()->set_trace_chunk_bytes(rpc::kFilePartMax);
  session->Send(std::move(message));
}

absl::Status SessionHub::SendOffer(const schedule::SendOffer& offer, const JobSpec& spec) {
  v1::HubMsg message;
  ToProto(offer.assignment, message.mutable_offer()->mutable_assignment());
  ToProto(spec, message.mutable_offer()->mutable_spec());
  GRANGE_RETURN_IF_ERROR(CheckSize(message.offer()));
  gate_.Limit(offer.assignment, spec.trace_limit_bytes);
  const std::shared_ptr<AgentSession> session = Get(offer.agent, offer.session);
  if (session != nullptr) session->Send(std::move(message));
  return absl::OkStatus();
}

absl::Status SessionHub::SendStart(const schedule::SendStart& start, const StartSecrets& secrets) {
  v1::HubMsg message;
  ToProto(start.assignment, message.mutable_start()->mutable_assignment());
  ToProto(secrets, message.mutable_start());
  GRANGE_RETURN_IF_ERROR(CheckSize(message.start()));
  gate_.Open(start.assignment, start.agent);
  const std::shared_ptr<AgentSession> session = Get(start.agent, start.session);
  if (session != nullptr) session->Send(std::move(message));
  return absl::OkStatus();
}

void SessionHub::SendCancel(const schedule::SendCancel& cancel) {
  const std::shared_ptr<AgentSession> session = Get(cancel.agent, cancel.session);
  if (session == nullptr) return;
  v1::HubMsg message;
  ToProto(cancel.assignment, message.mutable_cancel()->mutable_assignment());
  message.mutable_cancel()->set_grace_ms(absl::ToInt64Milliseconds(options_.cancel_grace));
  message.mutable_cancel()->set_force(cancel.force);
  session->Send(std::move(message));
}

void SessionHub::SendForget(const schedule::SendForget& forget) {
  const std::shared_ptr<AgentSession> session = Get(forget.agent, forget.session);
  if (session == nullptr) return;
  v1::HubMsg message;
  ToProto(forget.assignment, message.mutable_forget()->mutable_assignment());
  session->Send(std::move(message));
}

void SessionHub::SendRevoke(const schedule::SendRevoke& revoke) {
  const std::shared_ptr<AgentSession> session = Get(revoke.agent, revoke.session);
  if (session != nullptr) session->Send(RevokeMessage(revoke.assignment, revoke.reason));
}

void SessionHub::SendDrain(const schedule::SendDrain& drain) {
  const std::shared_ptr<AgentSession> session = Get(drain.agent, drain.session);
  if (session == nullptr) return;
  v1::HubMsg message;
  message.mutable_drain()->set_resume(drain.resume);
  if (!drain.resume && drain.left != absl::InfiniteDuration()) {
    // 0 stands for "never".
    message.mutable_drain()->set_deadline_ms(
        std::max<int64_t>(absl::ToInt64Milliseconds(drain.left), 1));
  }
  session->Send(std::move(message));
}

}  // namespace grange::session
