#include "coordinator/store/database_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/store/connection.h"
#include "coordinator/store/schema.h"

namespace grange::store {
namespace {

constexpr int kProblemsShown = 5;

absl::Status Sync(const std::string& path) {
  const os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) {
    return os::ErrnoStatus(errno, "cannot sync", path);
  }
  return absl::OkStatus();
}

absl::Status CopyInto(const std::string& path, const std::string& to) {
  GRANGE_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                          Connection::Open(path, Connection::Access::kReadOnly));
  GRANGE_RETURN_IF_ERROR(connection->Prepare("VACUUM INTO ?").Bind(Word{to}).Run());
  return Sync(to);
}

// What the check found, a line each.
absl::Status Run(Connection& connection, const char* check, const std::string& path) {
  std::vector<std::string> problems;
  Statement statement = connection.Prepare(check);
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) break;
    if (statement.Bytes(0) != "ok") problems.push_back(statement.Bytes(0));
    if (problems.size() == kProblemsShown) break;
  }
  GRANGE_RETURN_IF_ERROR(connection.FoundDamage());
  if (problems.empty()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("database '", path, "' is damaged: ", absl::StrJoin(problems, "; ")));
}

}  // namespace

absl::Status CopyDatabase(const std::string& path, const std::string& to) {
  {
    // SQLite takes an empty file, but makes one that everybody may read.
    const os::UniqueFd fd(::open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot make", to);
  }
  const absl::Status copied = CopyInto(path, to);
  if (!copied.ok()) ::unlink(to.c_str());
  return copied;
}

absl::StatusOr<int> CheckDatabase(const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                          Connection::Open(path, Connection::Access::kReadOnly));
  GRANGE_ASSIGN_OR_RETURN(const int version, ReadSchemaVersion(*connection, path));
  GRANGE_RETURN_IF_ERROR(Run(*connection, "PRAGMA integrity_check", path));
  GRANGE_RETURN_IF_ERROR(Run(*connection, "PRAGMA foreign_key_check", path));
  return version;
}

absl::StatusOr<FilesOfRows> ReadFilesOfRows(const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                          Connection::Open(path, Connection::Access::kReadOnly));
  FilesOfRows files;
  {
    Statement statement = connection->Prepare(
        "SELECT job, attempt, trace_bytes FROM attempts WHERE trace_bytes > 0");
    while (true) {
      GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      files.traces.push_back({.job = statement.IdAt<JobId>(0),
                              .attempt = static_cast<AttemptNumber>(statement.Int(1)),
                              .bytes = static_cast<uint64_t>(statement.Int(2))});
    }
  }
  Statement statement =
      connection->Prepare("SELECT DISTINCT sha256 FROM artifacts WHERE size > 0");
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return files;
    files.artifacts.push_back(statement.Bytes(0));
  }
}

absl::Status SkipFences(const std::string& path, uint64_t gap) {
  {
    GRANGE_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                            Connection::Open(path, Connection::Access::kReadWrite));
    GRANGE_RETURN_IF_ERROR(
        connection->Prepare("UPDATE fence SET highest = highest + ?").Bind(gap).Run());
  }
  return Sync(path);
}

}  // namespace grange::store
