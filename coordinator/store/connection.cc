#include "coordinator/store/connection.h"

#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "coordinator/store/checked_file.h"

namespace grange::store {
namespace {

constexpr int kValueBytesMax = 16 << 20;

int64_t MicrosOf(absl::Time time) {
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  if (time == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  return absl::ToUnixMicros(time);
}

absl::Time TimeOf(int64_t micros) {
  if (micros == std::numeric_limits<int64_t>::min()) return absl::InfinitePast();
  if (micros == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  return absl::FromUnixMicros(micros);
}

absl::Status Damaged(absl::string_view path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("database '", path, "': damaged: ", what,
                                          "; stop the coordinator and bring back a copy with "
                                          "'grangectl backup restore'"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& path,
                                                             Access access) {
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (access == Access::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, CheckedFileVfs());
  std::unique_ptr<Connection> connection(new Connection(path, db));
  if (code != SQLITE_OK) return connection->ErrorOf(code);
  sqlite3_extended_result_codes(db, 1);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  // A new database has it from its first page on, an older one from when it is written anew.
  int reserve = kCheckedReserve;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
  // A reader that finds the file as another connection left it needs none of these to be durable;
  // all are settings of the connection. The cache is small: the kernel's holds the file as well.
  GRANGE_RETURN_IF_ERROR(
      connection->Execute("PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON;"
                          "PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0;"
                          "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                          "PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY;"));
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

Statement Connection::Prepare(const char* sql) {
  sqlite3_stmt*& statement = prepared_[sql];
  int code = SQLITE_OK;
  if (statement == nullptr) {
    code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  GRANGE_CHECK(statement == nullptr || !sqlite3_stmt_busy(statement));
  return Statement(this, statement, code);
}

absl::Status Connection::Execute(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code);
}

absl::Status Connection::FoundDamage() const {
  const std::string damage = DamageOf(db_);
  return damage.empty() ? absl::OkStatus() : Damaged(path_, damage);
}

absl::Status Connection::ErrorOf(int code, int system_error) const {
  const std::string where = absl::StrCat("database '", path_, "': ");
  const bool no_space = system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
  const bool disk_full =
      (code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && no_space);
  if (disk_full) {
    return absl::ResourceExhaustedError(absl::StrCat(
        where, "the disk is full, nothing was changed; free some space and try again"));
  }
  const std::string reason =
      absl::StrCat(db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code), " (", code, ")");
  if (code == SQLITE_IOERR_DATA) {
    const std::string damage = DamageOf(db_);
    return Damaged(path_, damage.empty() ? reason : damage);
  }
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Damaged(path_, reason);
    case SQLITE_CONSTRAINT:
      if (code == SQLITE_CONSTRAINT_FOREIGNKEY) {
        return absl::NotFoundError(absl::StrCat(where, "a row that is named does not exist"));
      }
      if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return absl::AlreadyExistsError(absl::StrCat(where, reason));
      }
      return absl::InternalError(absl::StrCat(where, reason));
    case SQLITE_TOOBIG:
      return absl::InvalidArgumentError(
          absl::StrCat(where, "a value is larger than ", kValueBytesMax, " bytes"));
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return absl::InternalError(absl::StrCat(where, reason));
    default:
      return absl::UnavailableError(absl::StrCat(where, reason));
  }
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      error_(other.error_),
      bound_(other.bound_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

absl::StatusOr<bool> Statement::Step() {
  if (error_ != SQLITE_OK) return connection_->ErrorOf(error_);
  // SQLite itself remembers the system's error of most calls, but not of a commit's.
  errno = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->ErrorOf(code, errno);
}

absl::Status Statement::Run() { return Step().status(); }

std::string Statement::Bytes(int column) const {
  // In this order: the length is that of the last conversion.
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr || size <= 0) return "";
  return std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

absl::Time Statement::Time(int column) const { return TimeOf(Int(column)); }

std::optional<double> Statement::Real(int column) const {
  if (IsNull(column)) return std::nullopt;
  return sqlite3_column_double(statement_, column);
}

void Statement::BindOne(int64_t value) { Note(sqlite3_bind_int64(statement_, ++bound_, value)); }

void Statement::BindOne(absl::string_view bytes) {
  Note(sqlite3_bind_blob64(statement_, ++bound_, bytes.empty() ? "" : bytes.data(), bytes.size(),
                           SQLITE_TRANSIENT));
}

void Statement::BindOne(Word word) {
  Note(sqlite3_bind_text64(statement_, ++bound_, word.text.empty() ? "" : word.text.data(),
                           word.text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::BindOne(absl::Time time) { BindOne(MicrosOf(time)); }

void Statement::BindOne(std::optional<double> value) {
  Note(value.has_value() ? sqlite3_bind_double(statement_, ++bound_, *value)
                         : sqlite3_bind_null(statement_, ++bound_));
}

void Statement::BindNull() { Note(sqlite3_bind_null(statement_, ++bound_)); }

absl::StatusOr<Transaction> Transaction::Begin(Connection& connection) {
  // IMMEDIATE: with a plain BEGIN a read followed by a write fails at once when another
  // connection wrote in between, whatever the busy timeout is.
  GRANGE_RETURN_IF_ERROR(connection.Prepare("BEGIN IMMEDIATE").Run());
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  // A full disk or a failed sync has rolled it back already. If this fails too, the next BEGIN
  // reports it.
  if (sqlite3_get_autocommit(connection_->raw()) == 0) {
    connection_->Prepare("ROLLBACK").Run().IgnoreError();
  }
}

absl::Status Transaction::Commit() {
  GRANGE_RETURN_IF_ERROR(connection_->Prepare("COMMIT").Run());
  connection_ = nullptr;
  return absl::OkStatus();
}

}  // namespace grange::store
