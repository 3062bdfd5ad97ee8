#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

constexpr int kRowsMax = 10'000;

}  // namespace

absl::Status PutAuditIn(Connection& connection, const Actor& actor, absl::string_view text,
                        absl::Time now) {
  if (actor.user.empty()) return absl::OkStatus();
  return connection
      .Prepare("INSERT INTO audit (at, user, token, peer, call, text) VALUES (?, ?, ?, ?, ?, ?)")
      .Bind(now, actor.user, actor.token, actor.peer, actor.call, text)
      .Run();
}

absl::Status PutAnswerIn(Connection& connection, const Answer& answer, absl::Time now) {
  GRANGE_RETURN_IF_ERROR(PutAuditIn(connection, answer.actor, answer.text, now));
  return PutAnswerIn(connection, answer.key, answer.text, now);
}

absl::Status SqliteStore::PutAudit(const Actor& actor, absl::string_view text) {
  return InTransaction([&](Connection& connection) {
    return PutAuditIn(connection, actor, text, clock_.Now());
  });
}

absl::StatusOr<std::vector<AuditRow>> SqliteStore::ListAudit(int limit, int64_t before,
                                                             absl::string_view user) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(
      "SELECT id, at, user, token, peer, call, text FROM audit WHERE id < ? AND (? = x'' OR user = "
      "?) ORDER BY id DESC LIMIT ?");
  statement.Bind(before > 0 ? before : INT64_MAX, user, user, std::clamp(limit, 0, kRowsMax));
  std::vector<AuditRow> rows;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return rows;
    rows.push_back({.id = statement.Int(0),
                    .at = statement.Time(1),
                    .actor = {.user = statement.Bytes(2),
                              .token = statement.IdAt<TokenId>(3),
                              .peer = statement.Bytes(4),
                              .call = statement.Bytes(5)},
                    .text = statement.Bytes(6)});
  }
}

}  // namespace grange::store
