#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "coordinator/store/sqlite_store_rows.h"

// What retention reads: what there is, how old and how large; and the accounts of it.
namespace grange::store {
namespace {

absl::StatusOr<std::vector<retention::PipelineItem>> Pipelines(Connection& connection) {
  Statement row = connection.Prepare(
      "SELECT id, project, ref_name, is_tag, finished, state = 'success', pinned, created_at, "
      "finished_at, row_bytes, state = 'manual', CASE state WHEN 'manual' THEN "
      "(SELECT max(max(queued_at, started_at, finished_at)) FROM jobs WHERE pipeline = "
      "pipelines.id) "
      "END FROM pipelines ORDER BY id");
  std::vector<retention::PipelineItem> items;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return items;
    items.push_back({.id = row.IdAt<PipelineId>(0),
                     .project = row.IdAt<ProjectId>(1),
                     .ref_name = row.Bytes(2),
                     .is_tag = row.Bool(3),
                     .finished = row.Bool(4),
                     .succeeded = row.Bool(5),
                     .pinned = row.Bool(6),
                     .waiting = row.Bool(10),
                     .ended = std::max(row.Time(7), row.Time(8)),
                     .bytes = static_cast<uint64_t>(row.Int(9))});
    if (!row.IsNull(11)) items.back().ended = std::max(row.Time(7), row.Time(11));
  }
}

absl::StatusOr<std::vector<retention::TraceItem>> Traces(Connection& connection) {
  Statement row = connection.Prepare(
      "SELECT j.pipeline, a.job, a.attempt, a.finished_at, a.trace_stored "
      "FROM attempts a JOIN jobs j ON j.id = a.job "
      "WHERE a.trace_stored > 0 AND a.trace_complete = 1 AND a.state <> 'running'");
  std::vector<retention::TraceItem> items;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return items;
    items.push_back({.pipeline = row.IdAt<PipelineId>(0),
                     .job = row.IdAt<JobId>(1),
                     .attempt = static_cast<AttemptNumber>(row.Int(2)),
                     .ended = row.Time(3),
                     .bytes = static_cast<uint64_t>(row.Int(4))});
  }
}

// Of equal contents of a project only the newest has a size: the file is there once.
absl::StatusOr<std::vector<retention::ArtifactItem>> Artifacts(Connection& connection) {
  Statement row = connection.Prepare(
      "SELECT j.pipeline, f.id, f.created_at, f.expires_at, f.size, f.sha256, p.project "
      "FROM artifacts f JOIN jobs j ON j.id = f.job JOIN pipelines p ON p.id = j.pipeline "
      "WHERE f.removed_at IS NULL");
  std::vector<retention::ArtifactItem> items;
  absl::flat_hash_map<std::pair<ProjectId, std::string>, size_t> newest;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return items;
    retention::ArtifactItem item{.pipeline = row.IdAt<PipelineId>(0),
                                 .id = row.Bytes(1),
                                 .created = row.Time(2),
                                 .expires = std::nullopt,
                                 .bytes = static_cast<uint64_t>(row.Int(4))};
    if (!row.IsNull(3)) item.expires = row.Time(3);
    const auto [found, is_new] =
        newest.try_emplace({row.IdAt<ProjectId>(6), row.Bytes(5)}, items.size());
    if (!is_new) {
      retention::ArtifactItem& other = items[found->second];
      const bool later = item.created > other.created;
      (later ? other : item).bytes = 0;
      if (later) found->second = items.size();
    }
    items.push_back(std::move(item));
  }
}

}  // namespace

// Three reads without a transaction around them: removal asks again what it depends on.
absl::StatusOr<retention::Stock> SqliteStore::RetentionStock() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  retention::Stock stock;
  GRANGE_ASSIGN_OR_RETURN(stock.artifacts, Artifacts(*reader));
  GRANGE_ASSIGN_OR_RETURN(stock.traces, Traces(*reader));
  GRANGE_ASSIGN_OR_RETURN(stock.pipelines, Pipelines(*reader));
  return stock;
}

absl::StatusOr<std::set<std::string>> SqliteStore::CommitsOf(ProjectId project) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement row = reader->Prepare("SELECT sha FROM pipelines WHERE project = ?");
  row.Bind(project);
  std::set<std::string> commits;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return commits;
    commits.insert(row.Bytes(0));
  }
}

absl::StatusOr<bool> SqliteStore::ContentInUse(const std::string& sha256) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement =
      reader->Prepare("SELECT 1 FROM artifacts WHERE sha256 = ? AND removed_at IS NULL LIMIT 1");
  statement.Bind(sha256);
  return statement.Step();
}

absl::StatusOr<TracesKept> SqliteStore::TracesOf(JobId first, JobId last) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  TracesKept kept;
  {
    Statement row = reader->Prepare(
        "SELECT j.id FROM jobs j JOIN pipelines p ON p.id = j.pipeline "
        "WHERE j.id BETWEEN ? AND ? AND p.finished = 0");
    row.Bind(first.value(), last.value());  // an id 0 would be stored as NULL, and find nothing
    while (true) {
      GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      kept.busy.insert(row.IdAt<JobId>(0));
    }
  }
  Statement row = reader->Prepare(
      "SELECT job, attempt, trace_stored FROM attempts "
      "WHERE job BETWEEN ? AND ? AND trace_removed_at IS NULL ORDER BY job, attempt");
  row.Bind(first.value(), last.value());
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return kept;
    kept.traces.push_back({.key = {row.IdAt<JobId>(0), static_cast<AttemptNumber>(row.Int(1))},
                           .stored = static_cast<uint64_t>(row.Int(2))});
  }
}

absl::Status SqliteStore::PutTraceSizes(const std::vector<TraceSize>& sizes) {
  std::vector<Write> writes;
  for (const TraceSize& size : sizes) {
    writes.emplace_back(
        PutTraceStored{.job = size.key.first, .attempt = size.key.second, .stored = size.stored});
  }
  return Commit(writes);
}

absl::StatusOr<std::vector<UsageRow>> SqliteStore::ReadUsage() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement row = reader->Prepare(
      "SELECT u.kind, u.project, r.name, u.count, u.bytes, u.oldest, u.swept_at, u.swept_count, "
      "u.swept_bytes FROM usage u LEFT JOIN projects r ON r.id = u.project "
      "ORDER BY u.kind, r.name");
  std::vector<UsageRow> rows;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return rows;
    UsageRow usage{.kind = row.Bytes(0),
                   .project = row.IdAt<ProjectId>(1),
                   .project_name = row.Bytes(2),
                   .count = static_cast<uint64_t>(row.Int(3)),
                   .bytes = static_cast<uint64_t>(row.Int(4)),
                   .swept_count = static_cast<uint64_t>(row.Int(7)),
                   .swept_bytes = static_cast<uint64_t>(row.Int(8))};
    if (!row.IsNull(5)) usage.oldest = row.Time(5);
    if (!row.IsNull(6)) usage.swept_at = row.Time(6);
    rows.push_back(std::move(usage));
  }
}

absl::StatusOr<UsageRow> SqliteStore::AuditBefore(absl::Time before) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement row = reader->Prepare(
      "SELECT count(*), coalesce(sum(100 + length(text)), 0), min(at) FROM audit WHERE at < ?");
  row.Bind(before);
  GRANGE_ASSIGN_OR_RETURN(const bool found, row.Step());
  UsageRow usage;
  usage.kind = "audit";
  if (!found || row.Int(0) == 0) return usage;
  usage.count = static_cast<uint64_t>(row.Int(0));
  usage.bytes = static_cast<uint64_t>(row.Int(1));
  usage.oldest = row.Time(2);
  return usage;
}

absl::Status SqliteStore::PutSwept(const std::vector<UsageRow>& rows) {
  if (rows.empty()) return absl::OkStatus();
  return InTransaction([&](Connection& connection) -> absl::Status {
    for (const UsageRow& row : rows) {
      // A project 0 is none that Bind() would store.
      const int64_t project = row.project.value();
      GRANGE_RETURN_IF_ERROR(
          connection.Prepare("UPDATE usage SET oldest = ? WHERE project = ? AND kind = ?")
              .Bind(row.oldest, project, Word{row.kind})
              .Run());
      if (row.swept_at == absl::InfinitePast()) continue;
      // Of mirrors nobody has made a row.
      GRANGE_RETURN_IF_ERROR(
          connection
              .Prepare("INSERT INTO usage (swept_at, swept_count, swept_bytes, project, kind) "
                       "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                       "swept_at = excluded.swept_at, swept_count = excluded.swept_count, "
                       "swept_bytes = excluded.swept_bytes")
              .Bind(row.swept_at, row.swept_count, row.swept_bytes, project, Word{row.kind})
              .Run());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<DatabaseSize> SqliteStore::ReadDatabaseSize() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement row = reader->Prepare(
      "SELECT s.page_size * c.page_count, s.page_size * f.freelist_count "
      "FROM pragma_page_size s, pragma_page_count c, pragma_freelist_count f");
  GRANGE_ASSIGN_OR_RETURN(const bool more, row.Step());
  if (!more) return absl::DataLossError("SQLite doesn't tell the size of its file");
  return DatabaseSize{.bytes = static_cast<uint64_t>(row.Int(0)),
                      .free = static_cast<uint64_t>(row.Int(1))};
}

}  // namespace grange::store
