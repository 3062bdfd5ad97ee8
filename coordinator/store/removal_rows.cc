#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/store/sqlite_store_rows.h"

// What retention takes away.
namespace grange::store {
namespace {

absl::Status SayRemoved(PipelineId id, absl::Time at, absl::string_view limit) {
  return absl::NotFoundError(absl::StrCat(
      "pipeline ", id.value(), " was removed by retention on ",
      absl::FormatTime("%Y-%m-%d", at, absl::UTCTimeZone()), " (", limit, ")"));
}

// Whether the pipeline is there, may be removed, and which jobs it has.
struct Removable {
  bool yes = false;
  int64_t project = 0;
};
absl::StatusOr<Removable> CheckRemovable(Connection& connection, PipelineId id) {
  Statement row = connection.Prepare(
      "SELECT project FROM pipelines WHERE id = ? AND finished = 1 AND pinned = 0");
  row.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool found, row.Step());
  return Removable{.yes = found, .project = found ? row.Int(0) : 0};
}

absl::Status NoteRemoval(Connection& connection, const PipelineRemoval& removal, int64_t project,
                         absl::Time at) {
  return connection
      .Prepare(
          "INSERT INTO removed_pipelines SELECT ?1, ?2, coalesce(min(id), 0), coalesce(max(id), "
          "-1), ?3, ?4 FROM jobs WHERE pipeline = ?1 ON CONFLICT DO NOTHING")
      .Bind(removal.id, project, at, removal.limit)
      .Run();
}

absl::StatusOr<std::vector<JobId>> SomeJobs(Connection& connection, PipelineId id, int max) {
  Statement row =
      connection.Prepare("SELECT id FROM jobs WHERE pipeline = ? ORDER BY position LIMIT ?");
  row.Bind(id, max);
  std::vector<JobId> jobs;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return jobs;
    jobs.push_back(row.IdAt<JobId>(0));
  }
}

absl::Status CollectFiles(Connection& connection, JobId job, UnwantedFiles& files) {
  {
    Statement row = connection.Prepare("SELECT attempt FROM attempts WHERE job = ?");
    row.Bind(job);
    while (true) {
      GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      files.traces.emplace_back(job, static_cast<AttemptNumber>(row.Int(0)));
    }
  }
  Statement row =
      connection.Prepare("SELECT sha256 FROM artifacts WHERE job = ? AND removed_at IS NULL");
  row.Bind(job);
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return absl::OkStatus();
    files.contents.push_back(row.Bytes(0));
  }
}

absl::Status RemoveJob(Connection& connection, JobId job) {
  for (const char* sql :
       {"DELETE FROM artifacts WHERE job = ?", "DELETE FROM attempts WHERE job = ?",
        "DELETE FROM job_plans WHERE job = ?", "DELETE FROM jobs WHERE id = ?"}) {
    GRANGE_RETURN_IF_ERROR(connection.Prepare(sql).Bind(job).Run());
  }
  return absl::OkStatus();
}

// The one column of a statement's row; "" if there is none.
absl::StatusOr<std::string> OneText(Statement& row) {
  GRANGE_ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? row.Bytes(0) : std::string();
}

}  // namespace

absl::Status RemovedPipeline(Connection& connection, PipelineId id, std::string otherwise) {
  Statement row =
      connection.Prepare("SELECT removed_at, removed_by FROM removed_pipelines WHERE id = ?");
  row.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (found) return SayRemoved(id, row.Time(0), row.Bytes(1));
  return absl::NotFoundError(otherwise);
}

absl::Status RemovedJob(Connection& connection, JobId id, std::string otherwise) {
  Statement row = connection.Prepare(
      "SELECT id, first_job, removed_at, removed_by FROM removed_pipelines "
      "WHERE last_job >= ? ORDER BY last_job LIMIT 1");
  row.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found || row.Int(1) > id.value()) return absl::NotFoundError(otherwise);
  const absl::Status said = SayRemoved(row.IdAt<PipelineId>(0), row.Time(2), row.Bytes(3));
  return absl::NotFoundError(
      absl::StrCat("there is no job ", id.value(), " any more: its ", said.message()));
}

absl::StatusOr<RemovedPipelines> SqliteStore::RemovePipelines(
    const std::vector<PipelineRemoval>& removals, absl::Time at, int jobs_max) {
  RemovedPipelines removed;
  const absl::Status status = InTransaction([&](Connection& connection) -> absl::Status {
    int left = jobs_max;
    for (const PipelineRemoval& removal : removals) {
      if (left <= 0) break;
      GRANGE_ASSIGN_OR_RETURN(const Removable removable, CheckRemovable(connection, removal.id));
      if (removable.yes) {
        GRANGE_RETURN_IF_ERROR(NoteRemoval(connection, removal, removable.project, at));
        GRANGE_ASSIGN_OR_RETURN(const std::vector<JobId> jobs,
                                SomeJobs(connection, removal.id, left));
        for (const JobId job : jobs) {
          GRANGE_RETURN_IF_ERROR(CollectFiles(connection, job, removed.files));
          GRANGE_RETURN_IF_ERROR(RemoveJob(connection, job));
        }
        left -= static_cast<int>(jobs.size());
        if (left <= 0) break;  // there may be more of them
        GRANGE_RETURN_IF_ERROR(
            connection.Prepare("DELETE FROM pipelines WHERE id = ?").Bind(removal.id).Run());
        --left;
        removed.gone.push_back(removal.id);
      }
      removed.done.push_back(removal.id);
    }
    return absl::OkStatus();
  });
  GRANGE_RETURN_IF_ERROR(status);
  return removed;
}

absl::StatusOr<std::vector<PipelineRemoval>> SqliteStore::HalfRemovedPipelines() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement row = reader->Prepare(
      "SELECT r.id, r.removed_by FROM removed_pipelines r JOIN pipelines p ON p.id = r.id");
  std::vector<PipelineRemoval> half;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return half;
    half.push_back({.id = row.IdAt<PipelineId>(0), .limit = row.Bytes(1)});
  }
}

absl::StatusOr<UnwantedFiles> SqliteStore::MarkTracesRemoved(const std::vector<TraceKey>& traces,
                                                             const std::string& limit,
                                                             absl::Time at) {
  UnwantedFiles files;
  const absl::Status status = InTransaction([&](Connection& connection) -> absl::Status {
    for (const TraceKey& key : traces) {
      GRANGE_RETURN_IF_ERROR(
          connection
              .Prepare("UPDATE attempts SET trace_stored = 0, trace_removed_at = ?, "
                       "trace_removed_by = ? WHERE job = ? AND attempt = ? AND "
                       "trace_complete = 1 AND trace_removed_at IS NULL AND EXISTS "
                       "(SELECT 1 FROM jobs j JOIN pipelines p ON p.id = j.pipeline "
                       "WHERE j.id = attempts.job AND p.finished = 1 AND p.pinned = 0)")
              .Bind(at, limit, key.first, key.second)
              .Run());
      if (connection.changes() > 0) files.traces.push_back(key);
    }
    return absl::OkStatus();
  });
  GRANGE_RETURN_IF_ERROR(status);
  return files;
}

absl::StatusOr<UnwantedFiles> SqliteStore::MarkArtifactsRemoved(
    const std::vector<std::string>& ids, const std::string& limit, absl::Time at) {
  UnwantedFiles files;
  const absl::Status status = InTransaction([&](Connection& connection) -> absl::Status {
    for (const std::string& id : ids) {
      GRANGE_RETURN_IF_ERROR(
          connection
              .Prepare("UPDATE artifacts SET removed_at = ?, removed_by = ? "
                       "WHERE id = ? AND removed_at IS NULL AND EXISTS "
                       "(SELECT 1 FROM jobs j JOIN pipelines p ON p.id = j.pipeline "
                       "WHERE j.id = artifacts.job AND p.finished = 1 AND p.pinned = 0)")
              .Bind(at, limit, id)
              .Run());
      if (connection.changes() == 0) continue;
      Statement row = connection.Prepare("SELECT sha256 FROM artifacts WHERE id = ?");
      row.Bind(id);
      GRANGE_ASSIGN_OR_RETURN(std::string content, OneText(row));
      files.contents.push_back(std::move(content));
      files.marked.push_back(id);
    }
    return absl::OkStatus();
  });
  GRANGE_RETURN_IF_ERROR(status);
  return files;
}

absl::StatusOr<uint64_t> SqliteStore::RemoveAudit(absl::Time before, uint64_t bytes_max,
                                                  int rows_max) {
  int64_t removed = 0;
  const absl::Status status = InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_RETURN_IF_ERROR(
        connection
            .Prepare("DELETE FROM audit WHERE at < ?1 AND id IN "
                     "(SELECT id FROM audit ORDER BY id LIMIT ?2)")
            .Bind(before, rows_max)
            .Run());
    removed = connection.changes();
    GRANGE_RETURN_IF_ERROR(
        connection
            .Prepare("DELETE FROM removed_pipelines WHERE id IN (SELECT id FROM removed_pipelines "
                     "WHERE removed_at < ? ORDER BY id LIMIT ?)")
            .Bind(before, rows_max)
            .Run());
    if (bytes_max > static_cast<uint64_t>(INT64_MAX)) return absl::OkStatus();
    GRANGE_RETURN_IF_ERROR(
        connection
            .Prepare("DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?2) "
                     "AND (SELECT bytes FROM usage WHERE project = 0 AND kind = 'audit') > ?1")
            .Bind(bytes_max, rows_max)
            .Run());
    removed += connection.changes();
    return absl::OkStatus();
  });
  GRANGE_RETURN_IF_ERROR(status);
  return static_cast<uint64_t>(removed);
}

}  // namespace grange::store
