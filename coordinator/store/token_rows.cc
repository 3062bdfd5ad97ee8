#include "coordinator/store/token_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "common/text/address_range.h"
#include "coordinator/store/netstring.h"
#include "coordinator/store/sql_text.h"
#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

constexpr absl::string_view kRegistration = "registration";
constexpr absl::string_view kUser = "user";
constexpr absl::string_view kNewToken =
    "; make a new one with 'grangectl token create --registration'";

constexpr char kSelect[] =
    "SELECT t.id, t.kind, t.hash, t.user, t.role, t.project, r.name, t.tags, t.uses_left, "
    "t.used, t.created_at, t.expires_at, t.revoked, t.from_ranges "
    "FROM tokens t LEFT JOIN projects r ON r.id = t.project ";
constexpr SqlText kByHash(kSelect, "WHERE t.hash = ?");
constexpr SqlText kAll(kSelect, "ORDER BY t.id");

absl::string_view KindName(TokenRow::Kind kind) {
  switch (kind) {
    case TokenRow::Kind::kRegistration:
      return kRegistration;
    case TokenRow::Kind::kUser:
      return kUser;
  }
  return "";
}

absl::StatusOr<TokenRow> RowOf(const Statement& row) {
  TokenRow token;
  token.id = row.IdAt<TokenId>(0);
  const std::string kind = row.Bytes(1);
  if (kind != kRegistration && kind != kUser) {
    return absl::DataLossError(absl::StrCat("unknown kind '", kind, "' of a token"));
  }
  token.kind = kind == kUser ? TokenRow::Kind::kUser : TokenRow::Kind::kRegistration;
  token.hash = row.Bytes(2);
  token.user = row.Bytes(3);
  token.role = row.Bytes(4);
  token.project = row.IdAt<ProjectId>(5);
  token.project_name = row.Bytes(6);
  GRANGE_ASSIGN_OR_RETURN(token.tags, DecodeList(row.Bytes(7)));
  token.uses_left = static_cast<int>(row.Int(8));
  token.used = static_cast<int>(row.Int(9));
  token.created_at = row.Time(10);
  token.expires_at = row.Time(11);
  token.revoked = row.Bool(12);
  GRANGE_ASSIGN_OR_RETURN(token.from, DecodeList(row.Bytes(13)));
  return token;
}

// Said to whoever holds the token: where it is good, and whom to ask.
absl::Status CheckPeer(const TokenRow& token, absl::string_view peer) {
  constexpr size_t kRangesShown = 5;
  if (token.from.empty()) return absl::OkStatus();
  const std::optional<text::IpAddress> address = text::IpAddress::OfPeer(peer);
  for (const std::string& from : token.from) {
    GRANGE_ASSIGN_OR_RETURN(const text::AddressRange range, text::AddressRange::Parse(from));
    if (address.has_value() && range.Contains(*address)) return absl::OkStatus();
  }
  const size_t shown = std::min(token.from.size(), kRangesShown);
  const std::string more =
      shown == token.from.size() ? "" : absl::StrCat(" and ", token.from.size() - shown, " more");
  return absl::PermissionDeniedError(
      absl::StrCat("the registration token may not be used from ",
                   address.has_value() ? address->ToString() : "an unknown address", ", only from ",
                   absl::StrJoin(token.from.begin(),
                                 token.from.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                   more, "; ask your administrator for one whose --from has this address"));
}

// The same key again: the token was made, but its text was lost on the way. The text of now counts.
absl::Status RepeatToken(Connection& connection, absl::string_view answer, TokenRow& token) {
  int64_t id = 0;
  if (!absl::SimpleAtoi(answer, &id)) {
    return absl::DataLossError("the answer of an earlier request is damaged");
  }
  GRANGE_RETURN_IF_ERROR(connection.Prepare("UPDATE tokens SET hash = ? WHERE id = ? AND kind = ?")
                             .Bind(token.hash, id, Word{KindName(token.kind)})
                             .Run());
  if (connection.changes() == 0) {
    return absl::AlreadyExistsError("the request key was used for another kind of token");
  }
  token.id = TokenId(id);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TokenRow> FindTokenIn(Connection& connection, absl::string_view hash) {
  Statement statement = connection.Prepare(kByHash.text);
  statement.Bind(hash);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row) return RowOf(statement);
  return absl::NotFoundError("the token is not known here; check that it was copied whole");
}

absl::Status CheckRegistrationToken(const TokenRow& token, absl::string_view peer, absl::Time now) {
  if (token.kind != TokenRow::Kind::kRegistration) {
    return absl::NotFoundError(
        absl::StrCat("the token is a user's, not one for registering agents", kNewToken));
  }
  if (token.revoked) {
    return absl::PermissionDeniedError(
        absl::StrCat("the registration token was revoked", kNewToken));
  }
  if (now >= token.expires_at) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the registration token expired at ",
        absl::FormatTime(absl::RFC3339_sec, token.expires_at, absl::UTCTimeZone()), kNewToken));
  }
  return CheckPeer(token, peer);
}

absl::Status ApplyTokenLimits(const TokenRow& token, AgentRow& agent) {
  if (token.project.is_set()) agent.project = token.project;
  if (token.tags.empty()) return absl::OkStatus();
  if (agent.tags.empty()) agent.tags = token.tags;
  for (const std::string& tag : agent.tags) {
    if (std::find(token.tags.begin(), token.tags.end(), tag) == token.tags.end()) {
      return absl::PermissionDeniedError(absl::StrCat("the registration token does not allow tag '",
                                                      tag, "'; it allows ",
                                                      absl::StrJoin(token.tags, ", ")));
    }
  }
  return absl::OkStatus();
}

absl::Status TakeOneUse(Connection& connection, const TokenRow& token) {
  if (token.uses_left <= 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("the registration token is used up (", token.used, " uses)", kNewToken));
  }
  return connection
      .Prepare("UPDATE tokens SET uses_left = uses_left - 1, used = used + 1 WHERE id = ?")
      .Bind(token.id)
      .Run();
}

absl::Status SqliteStore::CreateToken(TokenRow& token, absl::string_view request_key,
                                      const Actor& actor) {
  const std::string key = request_key.empty() ? "" : absl::StrCat("token/", request_key);
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_ASSIGN_OR_RETURN(const std::optional<std::string> answer,
                            FindAnswerIn(connection, key, clock_.Now()));
    if (answer.has_value()) return RepeatToken(connection, *answer, token);
    GRANGE_RETURN_IF_ERROR(
        connection
            .Prepare("INSERT INTO tokens (kind, hash, user, role, project, tags, uses_left, used, "
                     "created_at, expires_at, revoked, from_ranges) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .Bind(Word{KindName(token.kind)}, token.hash, token.user, token.role, token.project,
                  EncodeList(token.tags), token.uses_left, token.used, token.created_at,
                  token.expires_at, token.revoked, EncodeList(token.from))
            .Run());
    token.id = TokenId(connection.last_id());
    const std::string whose =
        token.kind == TokenRow::Kind::kRegistration
            ? absl::StrCat("for ", token.uses_left, token.uses_left == 1 ? " agent" : " agents",
                           token.from.empty() ? "" : " from ", absl::StrJoin(token.from, ", "))
            : absl::StrCat("of ", token.user, ", ", token.role);
    GRANGE_RETURN_IF_ERROR(PutAuditIn(
        connection, actor, absl::StrCat("token ", token.id.value(), " ", whose, ", is made"),
        clock_.Now()));
    return PutAnswerIn(connection, key, absl::StrCat(token.id.value()), clock_.Now());
  });
}

absl::StatusOr<TokenRow> SqliteStore::FindToken(absl::string_view hash) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  return FindTokenIn(*reader, hash);
}

absl::StatusOr<std::vector<TokenRow>> SqliteStore::ListTokens() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kAll.text);
  std::vector<TokenRow> tokens;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return tokens;
    GRANGE_ASSIGN_OR_RETURN(TokenRow token, RowOf(statement));
    tokens.push_back(std::move(token));
  }
}

absl::Status SqliteStore::RevokeToken(TokenId id, const Answer& answer) {
  return ChangeOne(
      [&](Connection& connection) {
        return connection.Prepare("UPDATE tokens SET revoked = 1 WHERE id = ?").Bind(id).Run();
      },
      absl::StrCat("token ", id.value(), "; see 'grangectl token list'"), answer);
}

}  // namespace grange::store
