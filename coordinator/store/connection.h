#ifndef GRANGE_COORDINATOR_STORE_CONNECTION_H_
#define GRANGE_COORDINATOR_STORE_CONNECTION_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/id.h"

namespace grange::store {

class Statement;

// One SQLite connection with its prepared statements. Used by one thread at a time.
class Connection {
 public:
  enum class Access { kReadWrite, kReadOnly };
  // kDataLoss if the file is no database. `path` must exist.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The prepared statement of `sql`, which must be a literal: it is prepared once and kept. It may
  // not be in use already.
  Statement Prepare(const char* sql);
  // Several statements, without arguments and rows.
  absl::Status Execute(const char* sql);

  int64_t last_id() const { return sqlite3_last_insert_rowid(db_); }
  int64_t changes() const { return sqlite3_changes64(db_); }
  sqlite3* raw() const { return db_; }

  // The Status of a result code: kResourceExhausted for a full disk, kDataLoss for damage,
  // kAlreadyExists for a row that must be unique, kUnavailable for the disk's other failures.
  // `system_error`: errno of the call, if it is known; it tells a quota from a broken disk.
  absl::Status ErrorOf(int code, int system_error = 0) const;
  // kDataLoss, naming the page, if one that this connection has read did not fit its checksum.
  absl::Status FoundDamage() const;

 private:
  friend class Statement;
  Connection(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}

  std::string path_;
  sqlite3* db_;
  absl::flat_hash_map<const char*, sqlite3_stmt*> prepared_;
};

// A word of ours (a state's name): stored as text. All other strings are stored as bytes.
struct Word {
  absl::string_view text;
};

// One use of a prepared statement: arguments, rows, and a reset at its end, so that no statement
// outlives a call (an open one would stop checkpoints). Errors of Prepare and Bind come out of
// Step().
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Arguments in the order of the question marks.
  template <typename... Values>
  Statement& Bind(const Values&... values) {
    (BindOne(values), ...);
    return *this;
  }

  // True: there is a row. False: the end.
  absl::StatusOr<bool> Step();
  // To the end; for statements without rows.
  absl::Status Run();

  // The columns of the row, from 0.
  int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  bool Bool(int column) const { return Int(column) != 0; }
  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::string Bytes(int column) const;
  absl::Time Time(int column) const;
  std::optional<double> Real(int column) const;
  template <typename IdType>
  IdType IdAt(int column) const {
    return IdType(Int(column));
  }

 private:
  friend class Connection;
  Statement(Connection* connection, sqlite3_stmt* statement, int error)
      : connection_(connection), statement_(statement), error_(error) {}

  void BindOne(int64_t value);
  void BindOne(uint64_t value) { BindOne(static_cast<int64_t>(value)); }
  void BindOne(int value) { BindOne(static_cast<int64_t>(value)); }
  void BindOne(bool value) { BindOne(static_cast<int64_t>(value)); }
  void BindOne(absl::string_view bytes);
  void BindOne(const std::string& bytes) { BindOne(absl::string_view(bytes)); }
  void BindOne(Word word);
  void BindOne(absl::Time time);
  void BindOne(std::optional<double> value);
  void BindOne(Fence fence) { BindOne(FenceValue(fence)); }
  // An id that is not set is stored as NULL.
  template <typename Tag>
  void BindOne(Id<Tag> id) {
    id.is_set() ? BindOne(id.value()) : BindNull();
  }
  void BindNull();
  void Note(int code) {
    if (error_ == SQLITE_OK) error_ = code;
  }

  Connection* connection_;
  sqlite3_stmt* statement_;
  int error_;
  int bound_ = 0;
};

// BEGIN IMMEDIATE … COMMIT, or ROLLBACK if it goes before Commit() has succeeded.
class Transaction {
 public:
  static absl::StatusOr<Transaction> Begin(Connection& connection);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  absl::Status Commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;  // none: committed, or moved from
};

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_CONNECTION_H_
