#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

constexpr absl::Duration kKeptFor = absl::Hours(24);
constexpr size_t kKeyBytesMax = 512;

absl::Status CheckKey(absl::string_view request_key) {
  if (request_key.size() <= kKeyBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a request key of ", request_key.size(),
                                                 " bytes; at most ", kKeyBytesMax, " are taken"));
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindAnswerIn(Connection& connection,
                                                        absl::string_view request_key,
                                                        absl::Time now) {
  if (request_key.empty()) return std::optional<std::string>();
  GRANGE_RETURN_IF_ERROR(CheckKey(request_key));
  Statement statement =
      connection.Prepare("SELECT answer FROM request_keys WHERE key = ? AND at > ?");
  statement.Bind(request_key, now - kKeptFor);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(statement.Bytes(0));
}

absl::Status PutAnswerIn(Connection& connection, absl::string_view request_key,
                         absl::string_view answer, absl::Time now) {
  if (request_key.empty()) return absl::OkStatus();
  GRANGE_RETURN_IF_ERROR(CheckKey(request_key));
  GRANGE_RETURN_IF_ERROR(
      connection.Prepare("DELETE FROM request_keys WHERE at <= ?").Bind(now - kKeptFor).Run());
  return connection.Prepare("INSERT OR REPLACE INTO request_keys VALUES (?, ?, ?)")
      .Bind(request_key, answer, now)
      .Run();
}

absl::StatusOr<std::optional<std::string>> SqliteStore::FindAnswer(absl::string_view request_key) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  return FindAnswerIn(*reader, request_key, clock_.Now());
}

absl::Status SqliteStore::PutAnswer(absl::string_view request_key, absl::string_view answer) {
  return InTransaction([&](Connection& connection) {
    return PutAnswerIn(connection, request_key, answer, clock_.Now());
  });
}

absl::StatusOr<uint64_t> SqliteStore::RemoveRequestKeys(int rows_max) {
  int64_t removed = 0;
  const absl::Status status = InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_RETURN_IF_ERROR(
        connection
            .Prepare("DELETE FROM request_keys WHERE key IN "
                     "(SELECT key FROM request_keys WHERE at <= ? ORDER BY at LIMIT ?)")
            .Bind(clock_.Now() - kKeptFor, rows_max)
            .Run());
    removed = connection.changes();
    return absl::OkStatus();
  });
  GRANGE_RETURN_IF_ERROR(status);
  return static_cast<uint64_t>(removed);
}

}  // namespace grange::store
