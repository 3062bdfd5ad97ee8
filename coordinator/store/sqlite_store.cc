#include "coordinator/store/sqlite_store.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "coordinator/store/file_upgrade.h"
#include "coordinator/store/log_check.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

constexpr size_t kIdleReadersMax = 4;
constexpr absl::string_view kKeyCheckIdentity = "key_check";

// SQLite would make it readable for all. Only a missing file is touched: closing one that SQLite
// has open in this process would drop its locks.
absl::Status MakeFile(const std::string& path) {
  const os::UniqueFd fd(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (fd.is_open() || errno == EEXIST) return absl::OkStatus();
  return os::ErrnoStatus(errno, "cannot make", path);
}

// A new database keeps a sealed word, by which a wrong key is noticed at the start.
absl::StatusOr<std::unique_ptr<Sealer>> OpenSealer(Connection& connection,
                                                   const std::string& key_path) {
  std::string check;
  {
    Statement statement = connection.Prepare("SELECT sealed FROM key_check");
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (row) check = statement.Bytes(0);
  }
  GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<Sealer> sealer, Sealer::Open(key_path, check.empty()));
  if (!check.empty()) {
    if (sealer->Open(check, kKeyCheckIdentity).ok()) return sealer;
    return absl::FailedPreconditionError(absl::StrCat(
        "key file '", key_path,
        "' is not the one of this database; bring back the right one from the backup"));
  }
  GRANGE_RETURN_IF_ERROR(connection.Prepare("INSERT INTO key_check VALUES (?)")
                             .Bind(sealer->Seal(Secret("grange"), kKeyCheckIdentity))
                             .Run());
  return sealer;
}

int TellCheckpointer(void* checkpointer, sqlite3*, const char*, int pages) {
  static_cast<Checkpointer*>(checkpointer)->LogHas(pages);
  return SQLITE_OK;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       const std::string& key_path,
                                                       const Clock& clock, bool synced) {
  GRANGE_ASSIGN_OR_RETURN(os::LockFile lock, os::LockFile::Acquire(path + ".lock"));
  GRANGE_RETURN_IF_ERROR(MakeFile(path));
  GRANGE_RETURN_IF_ERROR(CheckLog(path));
  GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> writer,
                          Connection::Open(path, Connection::Access::kReadWrite));
  GRANGE_RETURN_IF_ERROR(PrepareSchema(*writer, path));
  if (!synced) GRANGE_RETURN_IF_ERROR(writer->Execute("PRAGMA synchronous=OFF"));
  GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<Sealer> sealer, OpenSealer(*writer, key_path));
  GRANGE_RETURN_IF_ERROR(UpgradeFile(*writer, *sealer));
  GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<Checkpointer> checkpointer, Checkpointer::Start(path));
  sqlite3_wal_hook(writer->raw(), TellCheckpointer, checkpointer.get());
  return std::make_unique<SqliteStore>(path, clock,
                                       SqliteStore::Parts{.lock = std::move(lock),
                                                          .sealer = std::move(sealer),
                                                          .writer = std::move(writer),
                                                          .checkpointer = std::move(checkpointer)});
}

SqliteStore::SqliteStore(std::string path, const Clock& clock, Parts parts)
    : path_(std::move(path)), clock_(clock), parts_(std::move(parts)) {}

SqliteStore::~SqliteStore() {
  parts_.checkpointer.reset();  // the writer closes last: it moves the log into the file
  base::MutexLock lock(read_mu_);
  idle_readers_.clear();
}

SqliteStore::Reader::~Reader() {
  if (connection_ == nullptr) return;
  base::MutexLock lock(store_->read_mu_);
  if (store_->idle_readers_.size() < kIdleReadersMax) {
    store_->idle_readers_.push_back(std::move(connection_));
  }
}

absl::StatusOr<SqliteStore::Reader> SqliteStore::Read() {
  {
    base::MutexLock lock(read_mu_);
    if (!idle_readers_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return Reader(*this, std::move(connection));
    }
  }
  GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                          Connection::Open(path_, Connection::Access::kReadOnly));
  return Reader(*this, std::move(connection));
}

absl::Status SqliteStore::InTransaction(absl::FunctionRef<absl::Status(Connection&)> body) {
  base::MutexLock lock(write_mu_);
  GRANGE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*parts_.writer));
  GRANGE_RETURN_IF_ERROR(body(*parts_.writer));
  return transaction.Commit();
}

absl::Status SqliteStore::ChangeOne(absl::FunctionRef<absl::Status(Connection&)> statement,
                                    absl::string_view what, const Answer& answer) {
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_RETURN_IF_ERROR(statement(connection));
    if (connection.changes() == 0) return absl::NotFoundError(absl::StrCat("there is no ", what));
    return PutAnswerIn(connection, answer, clock_.Now());
  });
}

}  // namespace grange::store
