// Agents and tokens.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/features.h"
#include "common/rpc/status.h"
#include "common/rpc/token_text.h"
#include "common/text/address_range.h"
#include "coordinator/control/control_service.h"
#include "coordinator/control/convert.h"

namespace grange::control {
namespace {

constexpr absl::Duration kRegistrationTtl = absl::Hours(1);
constexpr absl::Duration kRegistrationTtlMax = absl::Hours(24 * 30);
constexpr absl::Duration kDrainDeadlineMax = absl::Hours(24 * 30);
constexpr int kUsesMax = 10'000;
constexpr int kRangesMax = 32;

std::string StatusOf(const store::AgentRow& row, const schedule::Scheduler::AgentView* view) {
  if (row.revoked) return "revoked";
  const bool connected = view != nullptr && view->connected;
  const bool busy = view != nullptr && !view->jobs.empty();
  if (!connected) return busy ? "unreachable" : "offline";
  if (row.draining) return busy ? "draining" : "drained";
  return "online";
}

// "credential in use twice since …, last from …; …", or "".
std::string AlarmOf(const store::AgentRow& row) {
  if (row.alarm.empty()) return "";
  return absl::StrCat(
      row.alarm, " since ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", row.alarm_since, absl::UTCTimeZone()), ", last from ",
      row.alarm_from.empty() ? "an unknown address" : row.alarm_from,
      "; if only one machine has this agent's state directory, 'grangectl agent reset ", row.name,
      "' lets it in and ends the alarm, else 'grangectl agent revoke ", row.name,
      "' locks out all copies");
}

absl::StatusOr<store::AgentRow> FindAgent(store::Store& store, const std::string& name_or_id) {
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::AgentRow> agents, store.ListAgents());
  int64_t id = 0;
  const bool numeric = absl::SimpleAtoi(name_or_id, &id);
  for (const store::AgentRow& agent : agents) {
    if (agent.name == name_or_id || (numeric && agent.id.value() == id)) return agent;
  }
  return absl::NotFoundError(
      absl::StrCat("there is no agent '", name_or_id, "'; 'grangectl agents' lists them"));
}

absl::Status Check(const v1::CreateTokenRequest& request) {
  if (request.registration() == !request.user().empty()) {
    return absl::InvalidArgumentError("a token is for --registration or for --user NAME");
  }
  if (request.uses() < 0 || request.uses() > kUsesMax) {
    return absl::InvalidArgumentError(absl::StrCat("--uses takes 1 to ", kUsesMax));
  }
  if (request.ttl_ms() < 0 ||
      (request.registration() && absl::Milliseconds(request.ttl_ms()) > kRegistrationTtlMax)) {
    return absl::InvalidArgumentError("--ttl of a registration token is at most 30 days");
  }
  if (!request.user().empty() && request.from_size() > 0) {
    return absl::InvalidArgumentError("--from goes with --registration, not with --user");
  }
  if (!request.user().empty()) return ParseRole(request.role()).status();
  return absl::OkStatus();
}

// In their shortest form. kInvalidArgument naming the one that is none.
absl::StatusOr<std::vector<std::string>> RangesOf(const v1::CreateTokenRequest& request) {
  if (request.from_size() > kRangesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a token takes at most ", kRangesMax, " ranges of addresses (--from)"));
  }
  std::vector<std::string> ranges;
  for (const std::string& from : request.from()) {
    GRANGE_ASSIGN_OR_RETURN(const text::AddressRange range, text::AddressRange::Parse(from));
    ranges.push_back(range.ToString());
  }
  return ranges;
}

}  // namespace

grpc::Status ControlService::ListAgents(grpc::ServerContext* context, const v1::ListAgentsRequest*,
                                        v1::ListAgentsReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<std::vector<store::AgentRow>> rows = parts_.store.ListAgents();
  if (!rows.ok()) return rpc::ToGrpc(rows.status());
  const std::vector<schedule::Scheduler::AgentView> views = parts_.backend.Agents();
  std::map<AgentId, const schedule::Scheduler::AgentView*> by_id;
  for (const schedule::Scheduler::AgentView& view : views) by_id[view.id] = &view;
  for (const store::AgentRow& row : *rows) {
    const auto found = by_id.find(row.id);
    const schedule::Scheduler::AgentView* const view =
        found == by_id.end() ? nullptr : found->second;
    v1::Agent* const agent = reply->add_agents();
    agent->set_id(row.id.value());
    agent->set_name(row.name);
    agent->set_status(StatusOf(row, view));
    for (const std::string& tag : row.tags) agent->add_tags(tag);
    agent->set_slots(view != nullptr && view->connected ? view->slots : row.slots);
    agent->set_run_untagged(row.run_untagged);
    agent->set_version(row.version);
    agent->set_alarm(AlarmOf(row));
    if (row.draining) agent->set_drain_until_ms(ToMillis(row.drain_until));
    agent->set_last_contact_ms(
        ToMillis(std::max(row.last_contact, parts_.backend.LastContact(row.id))));
    if (view != nullptr) {
      agent->set_running(static_cast<int>(view->jobs.size()));
      for (const JobId job : view->jobs) agent->add_jobs(job.value());
    }
    if (row.project.is_set()) {
      const absl::StatusOr<store::Project> project = parts_.store.GetProject(row.project);
      if (project.ok()) agent->set_project(project->name);
    }
  }
  return grpc::Status::OK;
}

grpc::Status ControlService::ChangeAgent(grpc::ServerContext* context,
                                         const v1::AgentAction* request, v1::ActionReply* reply) {
  return Act(*context, absl::StrCat("agent-", static_cast<int>(request->kind())), Role::kAdmin,
             request->request_key(), reply,
             [&](const store::Answer& draft) { return Change(*request, draft); });
}

// An older agent would pass the deadline over. One that is away says what it can when it is back;
// its coordinator can't know before.
absl::Status ControlService::CheckDrainDeadline(const store::AgentRow& agent,
                                                absl::Duration deadline) const {
  if (deadline == absl::ZeroDuration()) return absl::OkStatus();
  for (const schedule::Scheduler::AgentView& view : parts_.backend.Agents()) {
    if (view.id != agent.id || !view.connected) continue;
    if (std::find(view.features.begin(), view.features.end(), rpc::kDrainDeadline) !=
        view.features.end()) {
      continue;
    }
    return absl::FailedPreconditionError(
        absl::StrCat("agent '", agent.name, "' is of version ", agent.version, " and lacks '",
                     rpc::kDrainDeadline,
                     "': upgrade it, or drain it without --deadline and cancel "
                     "what still runs with 'grangectl cancel-job'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ControlService::Drain(const store::AgentRow& agent,
                                                  absl::Duration deadline,
                                                  const store::Answer& draft) {
  if (deadline < absl::ZeroDuration() || deadline > kDrainDeadlineMax) {
    return absl::InvalidArgumentError("--deadline of a drain is at most 30 days");
  }
  GRANGE_RETURN_IF_ERROR(CheckDrainDeadline(agent, deadline));
  schedule::AgentDrainChanged drain{.agent = agent.id, .draining = true};
  absl::Time until = absl::InfiniteFuture();
  std::string then = "; those that run on it go on to their end";
  if (deadline != absl::ZeroDuration()) {
    drain.stop_after = deadline;
    until = parts_.clock.Now() + deadline;
    then = absl::StrCat("; what still runs on it at ",
                        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", until, absl::UTCTimeZone()),
                        " is stopped");
  }
  GRANGE_RETURN_IF_ERROR(parts_.store.SetAgentDraining(agent.id, true, until));
  return Request(drain, draft, absl::StrCat("agent ", agent.name, " gets no new jobs", then));
}

// Where a change has two steps, the answer goes with the last one that is durable: a call that was
// cut in between does both again, which changes nothing a second time.
absl::StatusOr<std::string> ControlService::Change(const v1::AgentAction& action,
                                                   const store::Answer& draft) {
  GRANGE_ASSIGN_OR_RETURN(const store::AgentRow agent, FindAgent(parts_.store, action.agent()));
  store::Answer answer = draft;
  switch (action.kind()) {
    case v1::AgentAction::KIND_DRAIN:
      return Drain(agent, absl::Milliseconds(action.deadline_ms()), draft);
    case v1::AgentAction::KIND_RESUME:
      GRANGE_RETURN_IF_ERROR(parts_.store.SetAgentDraining(agent.id, false));
      return Request(schedule::AgentDrainChanged{.agent = agent.id, .draining = false}, draft,
                     absl::StrCat("agent ", agent.name, " gets jobs again"));
    case v1::AgentAction::KIND_REVOKE:
      answer.text = absl::StrCat("agent ", agent.name,
                                 " may not connect any more; register it again to use it");
      GRANGE_RETURN_IF_ERROR(parts_.store.SetAgentRevoked(agent.id));
      GRANGE_RETURN_IF_ERROR(parts_.backend.Request(
          schedule::AgentDrainChanged{.agent = agent.id, .draining = true}, answer));
      parts_.backend.EndSessionsOf(
          agent.id, absl::UnauthenticatedError("this agent's credential was revoked"));
      parts_.calls.End(agent.credential_hash);
      return answer.text;
    case v1::AgentAction::KIND_RESET:
      answer.text = absl::StrCat("agent ", agent.name,
                                 " may connect again with its restored state directory");
      GRANGE_RETURN_IF_ERROR(parts_.store.ResetAgent(agent.id, answer));
      return answer.text;
    case v1::AgentAction::KIND_REMOVE:
      answer.text = absl::StrCat("agent ", agent.name, " is removed");
      GRANGE_RETURN_IF_ERROR(parts_.store.RemoveAgent(agent.id, answer));
      parts_.backend.EndSessionsOf(agent.id, absl::UnauthenticatedError("this agent was removed"));
      parts_.calls.End(agent.credential_hash);
      GRANGE_RETURN_IF_ERROR(parts_.backend.Request(schedule::AgentRemoved{agent.id}, {}));
      return answer.text;
    default:
      return absl::InvalidArgumentError("unknown action for an agent");
  }
}

grpc::Status ControlService::CreateToken(grpc::ServerContext* context,
                                         const v1::CreateTokenRequest* request,
                                         v1::CreateTokenReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kAdmin);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  if (const absl::Status full = CheckWritable(); !full.ok()) return rpc::ToGrpc(full);
  if (const absl::Status checked = Check(*request); !checked.ok()) return rpc::ToGrpc(checked);
  const absl::StatusOr<std::vector<std::string>> from = RangesOf(*request);
  if (!from.ok()) return rpc::ToGrpc(from.status());
  const absl::Time now = parts_.clock.Now();
  const std::string token = rpc::NewToken(request->registration() ? rpc::TokenKind::kRegistration
                                                                  : rpc::TokenKind::kUser);
  store::TokenRow row;
  row.hash = rpc::TokenHash(token);
  row.created_at = now;
  row.user = request->user();
  row.role = request->role();
  row.tags.assign(request->tags().begin(), request->tags().end());
  row.from = *from;
  absl::Duration ttl = absl::Milliseconds(request->ttl_ms());
  if (request->registration()) {
    row.kind = store::TokenRow::Kind::kRegistration;
    row.uses_left = std::max(request->uses(), 1);
    if (ttl == absl::ZeroDuration()) ttl = kRegistrationTtl;
    if (!request->project().empty()) {
      const absl::StatusOr<store::Project> project =
          parts_.store.FindOrMakeProject(request->project(), {});
      if (!project.ok()) return rpc::ToGrpc(project.status());
      row.project = project->id;
    }
  } else {
    row.kind = store::TokenRow::Kind::kUser;
  }
  if (ttl != absl::ZeroDuration()) row.expires_at = now + ttl;
  const absl::StatusOr<std::string> key = BindKey("create-token", *caller, request->request_key());
  if (!key.ok()) return rpc::ToGrpc(key.status());
  const absl::Status made = 
      parts_.store.CreateToken(row, *key, ActorOf(*context, *caller, "create-token"));
  if (!made.ok()) return rpc::ToGrpc(made);
  reply->set_id(row.id.value());
  reply->set_token(request->registration() && !parts_.ca_fingerprint.empty()
                       ? absl::StrCat(token, ".", parts_.ca_fingerprint)
                       : token);
  reply->set_expires_ms(ToMillis(row.expires_at));
  return grpc::Status::OK;
}

grpc::Status ControlService::ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest*,
                                        v1::ListTokensReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kAdmin);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<std::vector<store::TokenRow>> rows = parts_.store.ListTokens();
  if (!rows.ok()) return rpc::ToGrpc(rows.status());
  for (const store::TokenRow& row : *rows) ToProto(row, reply->add_tokens());
  return grpc::Status::OK;
}

grpc::Status ControlService::RevokeToken(grpc::ServerContext* context,
                                         const v1::RevokeTokenRequest* request,
                                         v1::ActionReply* reply) {
  return Act(
      *context, "revoke-token", Role::kAdmin, request->request_key(), reply,
      [&](const store::Answer& draft) -> absl::StatusOr<std::string> {
        const store::Answer answer =
            draft.WithText(absl::StrCat("token ", request->id(), " is revoked"));
        const TokenId id(request->id());
        GRANGE_RETURN_IF_ERROR(parts_.store.RevokeToken(id, answer));
        GRANGE_ASSIGN_OR_RETURN(const std::vector<store::TokenRow> tokens,
                                parts_.store.ListTokens());
        for (const store::TokenRow& token : tokens) {
          if (token.id == id) parts_.calls.End(token.hash);
        }
        return answer.text;
      });
}

}  // namespace grange::control
