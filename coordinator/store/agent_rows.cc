#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "coordinator/store/netstring.h"
#include "coordinator/store/sql_text.h"
#include "coordinator/store/sqlite_store_rows.h"
#include "coordinator/store/token_rows.h"

namespace grange::store {
namespace {

constexpr char kSelect[] =
    "SELECT id, name, tags, run_untagged, slots, project, credential_hash, session_counter, "
    "draining, revoked, version, registered_at, last_contact, alarm, alarm_since, alarm_from, "
    "drain_until FROM agents WHERE removed = 0 ";
constexpr SqlText kById(kSelect, "AND id = ?");
constexpr SqlText kByName(kSelect, "AND name = ?");
constexpr SqlText kByCredential(kSelect, "AND credential_hash = ?");
constexpr SqlText kAll(kSelect, "ORDER BY id");

absl::StatusOr<AgentRow> RowOf(const Statement& row) {
  AgentRow agent;
  agent.id = row.IdAt<AgentId>(0);
  agent.name = row.Bytes(1);
  GRANGE_ASSIGN_OR_RETURN(agent.tags, DecodeList(row.Bytes(2)));
  agent.run_untagged = row.Bool(3);
  agent.slots = static_cast<int>(row.Int(4));
  agent.project = row.IdAt<ProjectId>(5);
  agent.credential_hash = row.Bytes(6);
  agent.session_counter = static_cast<uint64_t>(row.Int(7));
  agent.draining = row.Bool(8);
  agent.revoked = row.Bool(9);
  agent.version = row.Bytes(10);
  agent.registered_at = row.Time(11);
  agent.last_contact = row.Time(12);
  agent.alarm = row.Bytes(13);
  agent.alarm_since = row.Time(14);
  agent.alarm_from = row.Bytes(15);
  agent.drain_until = row.Time(16);
  return agent;
}

absl::StatusOr<AgentRow> FindAgent(Connection& connection, AgentId id) {
  Statement statement = connection.Prepare(kById.text);
  statement.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row) return RowOf(statement);
  return absl::NotFoundError(
      absl::StrCat("there is no agent ", id.value(), "; see 'grangectl agents'"));
}

std::string AgentText(AgentId id) {
  return absl::StrCat("agent ", id.value(), "; see 'grangectl agents'");
}

absl::Status InsertAgent(Connection& connection, AgentRow& agent) {
  {
    Statement taken = connection.Prepare(kByName.text);
    taken.Bind(agent.name);
    GRANGE_ASSIGN_OR_RETURN(const bool row, taken.Step());
    if (row) {
      return absl::AlreadyExistsError(
          absl::StrCat("there is an agent named '", agent.name,
                       "' already; give another --name, or remove that one with 'grangectl agent "
                       "remove ",
                       taken.Int(0), "'"));
    }
  }
  GRANGE_RETURN_IF_ERROR(
      connection
          .Prepare("INSERT INTO agents (name, tags, run_untagged, slots, project, "
                   "credential_hash, session_counter, draining, revoked, version, registered_at, "
                   "last_contact) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
          .Bind(agent.name, EncodeList(agent.tags), agent.run_untagged, agent.slots, agent.project,
                agent.credential_hash, agent.session_counter, agent.draining, agent.revoked,
                agent.version, agent.registered_at, agent.last_contact)
          .Run());
  agent.id = AgentId(connection.last_id());
  return absl::OkStatus();
}

// The answer that is kept for a registration: "<token id> <agent id>". The token stands in it so
// that a key alone, without its token, gives nobody another's agent.
std::string KeyOf(absl::string_view request_key) {
  return request_key.empty() ? "" : absl::StrCat("register/", request_key);
}

absl::StatusOr<AgentId> AgentOfAnswer(absl::string_view answer, TokenId token) {
  const std::vector<absl::string_view> parts = absl::StrSplit(answer, ' ');
  int64_t token_value = 0;
  int64_t agent_value = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &token_value) ||
      !absl::SimpleAtoi(parts[1], &agent_value)) {
    return absl::DataLossError("the answer of an earlier registration is damaged");
  }
  if (TokenId(token_value) != token) {
    return absl::PermissionDeniedError(
        "the request key was used with another registration token; register anew");
  }
  return AgentId(agent_value);
}

absl::Status RepeatRegistration(Connection& connection, AgentId id, AgentRow& agent) {
  GRANGE_RETURN_IF_ERROR(connection.Prepare("UPDATE agents SET credential_hash = ? WHERE id = ?")
                             .Bind(agent.credential_hash, id)
                             .Run());
  GRANGE_ASSIGN_OR_RETURN(agent, FindAgent(connection, id));
  return absl::OkStatus();
}

}  // namespace

absl::Status SqliteStore::RegisterAgent(absl::string_view token_hash, absl::string_view request_key,
                                        absl::Time now, AgentRow& agent,
                                        absl::string_view peer) {
  Actor actor{.user = agent.name.empty() ? "an agent" : absl::StrCat("agent ", agent.name),
              .token = {},
              .peer = std::string(peer),
              .call = "register"};
  const absl::Status made = InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_ASSIGN_OR_RETURN(const TokenRow token, FindTokenIn(connection, token_hash));
    actor.token = token.id;
    GRANGE_RETURN_IF_ERROR(CheckRegistrationToken(token, peer, now));
    GRANGE_ASSIGN_OR_RETURN(const std::optional<std::string> answer,
                            FindAnswerIn(connection, KeyOf(request_key), clock_.Now()));
    if (answer.has_value()) {
      GRANGE_ASSIGN_OR_RETURN(const AgentId id, AgentOfAnswer(*answer, token.id));
      return RepeatRegistration(connection, id, agent);
    }
    GRANGE_RETURN_IF_ERROR(ApplyTokenLimits(token, agent));
    GRANGE_RETURN_IF_ERROR(TakeOneUse(connection, token));
    agent.registered_at = now;
    GRANGE_RETURN_IF_ERROR(InsertAgent(connection, agent));
    GRANGE_RETURN_IF_ERROR(PutAuditIn(connection, actor,
                                      absl::StrCat("agent ", agent.name, " is registered with token ",
                                                   token.id.value()),
                                      clock_.Now()));
    return PutAnswerIn(connection, KeyOf(request_key),
                       absl::StrCat(token.id.value(), " ", agent.id.value()), clock_.Now());
  });
  if (absl::IsPermissionDenied(made) && actor.token.is_set()) {
    GRANGE_RETURN_IF_ERROR(PutAudit(
        actor, absl::StrCat("refused with token ", actor.token.value(), ": ", made.message())));
  }
  return made;
}

absl::StatusOr<AgentRow> SqliteStore::FindAgentByCredential(absl::string_view hash) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kByCredential.text);
  statement.Bind(hash);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row) return RowOf(statement);
  return absl::NotFoundError(
      "no agent has this credential; register it with 'grange-agent register'");
}

absl::StatusOr<AgentRow> SqliteStore::GetAgent(AgentId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  return FindAgent(*reader, id);
}

absl::StatusOr<std::vector<AgentRow>> SqliteStore::ListAgents() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kAll.text);
  std::vector<AgentRow> agents;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return agents;
    GRANGE_ASSIGN_OR_RETURN(AgentRow agent, RowOf(statement));
    agents.push_back(std::move(agent));
  }
}

absl::Status SqliteStore::AdvanceSessionCounter(AgentId id, uint64_t counter, absl::Time now,
                                                absl::string_view version) {
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_ASSIGN_OR_RETURN(const AgentRow agent, FindAgent(connection, id));
    if (counter <= agent.session_counter) {
      return absl::FailedPreconditionError(absl::StrCat(
          "agent '", agent.name, "' has used session counter ", agent.session_counter, ", this is ",
          counter,
          ": its credential is in use twice; if its state was brought back from a copy, "
          "run 'grangectl agent reset ",
          id.value(), "'"));
    }
    return connection
        .Prepare(
            "UPDATE agents SET session_counter = ?, last_contact = ?, version = ? "
            "WHERE id = ?")
        .Bind(counter, now, version, id)
        .Run();
  });
}

absl::Status SqliteStore::SetAgentDraining(AgentId id, bool draining, absl::Time until) {
  return ChangeOne(
      [&](Connection& connection) {
        return connection
            .Prepare("UPDATE agents SET draining = ?, drain_until = ? WHERE id = ? AND removed = 0")
            .Bind(draining, draining ? until : absl::InfiniteFuture(), id)
            .Run();
      },
      AgentText(id));
}

absl::Status SqliteStore::SetAgentAlarm(AgentId id, absl::string_view alarm, absl::string_view from,
                                        absl::Time now) {
  return ChangeOne(
      [&](Connection& connection) {
        return connection
            .Prepare(
                "UPDATE agents SET alarm_since = CASE alarm WHEN x'' THEN ? ELSE alarm_since "
                "END, alarm = ?, alarm_from = ? WHERE id = ? AND removed = 0")
            .Bind(now, alarm, from, id)
            .Run();
      },
      AgentText(id));
}

absl::Status SqliteStore::SetAgentRevoked(AgentId id) {
  return ChangeOne(
      [&](Connection& connection) {
        return connection
            .Prepare("UPDATE agents SET revoked = 1, alarm = x'' WHERE id = ? AND removed = 0")
            .Bind(id)
            .Run();
      },
      AgentText(id));
}

absl::Status SqliteStore::ResetAgent(AgentId id, const Answer& answer) {
  return ChangeOne(
      [&](Connection& connection) {
        return connection
            .Prepare(
                "UPDATE agents SET session_counter = 0, alarm = x'' "
                "WHERE id = ? AND removed = 0")
            .Bind(id)
            .Run();
      },
      AgentText(id), answer);
}

// The row stays for the names of old attempts; its name and credential are free again.
absl::Status SqliteStore::RemoveAgent(AgentId id, const Answer& answer) {
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_ASSIGN_OR_RETURN(const AgentRow agent, FindAgent(connection, id));
    {
      Statement busy = connection.Prepare("SELECT id FROM jobs WHERE agent = ? AND phase <> 0");
      busy.Bind(id);
      GRANGE_ASSIGN_OR_RETURN(const bool row, busy.Step());
      if (row) {
        return absl::FailedPreconditionError(absl::StrCat(
            "agent '", agent.name, "' still has job ", busy.Int(0), "; run 'grangectl agent drain ",
            id.value(),
            "' and wait until its jobs are done; if its machine is gone, wait until they are lost, "
            "5 minutes after its last contact"));
      }
    }
    GRANGE_RETURN_IF_ERROR(
        connection
            .Prepare(
                "UPDATE agents SET removed = 1, revoked = 1, credential_hash = x'' WHERE id = ?")
            .Bind(id)
            .Run());
    return PutAnswerIn(connection, answer, clock_.Now());
  });
}

}  // namespace grange::store
