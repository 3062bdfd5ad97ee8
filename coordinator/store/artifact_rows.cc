#include <utility>

#include "coordinator/store/sql_text.h"
#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

constexpr char kSelect[] =
    "SELECT f.id, f.job, f.attempt, f.name, f.size, f.sha256, f.created_at, f.expires_at, "
    "f.removed_at, f.removed_by FROM artifacts f ";
constexpr SqlText kById(kSelect, "WHERE f.id = ?");
constexpr SqlText kOfJob(kSelect, "WHERE f.job = ? ORDER BY f.attempt, f.name");
constexpr SqlText kOfPipeline(
    kSelect,
    "JOIN jobs j ON j.id = f.job WHERE j.pipeline = ? AND f.attempt = "
    "(SELECT max(n.attempt) FROM artifacts n WHERE n.job = f.job) ORDER BY j.position, f.name");

ArtifactRow RowOf(const Statement& row) {
  ArtifactRow artifact{.id = row.Bytes(0),
                       .job = row.IdAt<JobId>(1),
                       .attempt = static_cast<AttemptNumber>(row.Int(2)),
                       .name = row.Bytes(3),
                       .size = static_cast<uint64_t>(row.Int(4)),
                       .sha256 = row.Bytes(5),
                       .created_at = row.Time(6)};
  if (!row.IsNull(7)) artifact.expires_at = row.Time(7);
  if (!row.IsNull(8)) artifact.removed_at = row.Time(8);
  artifact.removed_by = row.Bytes(9);
  return artifact;
}

absl::StatusOr<std::vector<ArtifactRow>> AllRows(Statement& statement) {
  std::vector<ArtifactRow> artifacts;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return artifacts;
    artifacts.push_back(RowOf(statement));
  }
}

}  // namespace

// Repeating it is harmless: an upload whose answer was lost comes again, with the same content.
absl::Status SqliteStore::PutArtifact(const ArtifactRow& artifact) {
  return InTransaction([&](Connection& connection) {
    return connection
        .Prepare(
            "INSERT INTO artifacts (id, job, attempt, name, size, sha256, created_at, expires_at) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT CASE expire_in "
            "WHEN 9223372036854775807 THEN expire_in ELSE expire_in + ?7 END "
            "FROM job_plans WHERE job = ?2)) ON CONFLICT (id) DO NOTHING")
        .Bind(artifact.id, artifact.job, artifact.attempt, artifact.name, artifact.size,
              artifact.sha256, artifact.created_at)
        .Run();
  });
}

absl::StatusOr<ArtifactRow> SqliteStore::GetArtifact(absl::string_view id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kById.text);
  statement.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row) return RowOf(statement);
  return absl::NotFoundError(absl::StrCat("there is no artifact '", id, "'"));
}

absl::StatusOr<std::vector<ArtifactRow>> SqliteStore::ArtifactsOf(PipelineId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  // The newest attempt by the artifacts themselves: one that is being tried again still has those
  // of its last complete attempt.
  Statement statement = reader->Prepare(kOfPipeline.text);
  statement.Bind(id);
  return AllRows(statement);
}

absl::StatusOr<std::vector<ArtifactRow>> SqliteStore::ArtifactsOfJob(JobId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kOfJob.text);
  statement.Bind(id);
  return AllRows(statement);
}

}  // namespace grange::store
