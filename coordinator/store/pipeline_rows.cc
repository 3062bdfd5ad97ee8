#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "coordinator/store/netstring.h"
#include "coordinator/store/sealed_text.h"
#include "coordinator/store/sql_text.h"
#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

constexpr int kRowsMax = 1000;  // of one list
constexpr absl::string_view kPush = "push";  // the source of a pipeline

// One column list for all queries, so that RowOf() fits them all.
constexpr char kSelect[] =
    "SELECT p.id, p.project, r.name, p.sha, p.title, p.message, p.author, p.author_email, "
    "p.authored_at, p.ref_name, p.is_tag, p.source, p.before_sha, p.name, p.stages, p.variables, "
    "p.errors, p.warnings, p.state, p.created_at, p.started_at, p.finished_at, p.failure, "
    "(SELECT avg(a.coverage) FROM jobs j JOIN attempts a ON a.job = j.id AND "
    "a.attempt = j.attempt WHERE j.pipeline = p.id), p.pinned "
    "FROM pipelines p JOIN projects r ON r.id = p.project ";
constexpr SqlText kById(kSelect, "WHERE p.id = ?");
constexpr SqlText kNewestOfProject(kSelect,
                                   "WHERE p.id < ? AND p.project = ? ORDER BY p.id DESC LIMIT ?");
constexpr SqlText kNewest(kSelect, "WHERE p.id < ? ORDER BY p.id DESC LIMIT ?");

absl::StatusOr<PipelineRow> RowOf(const Statement& row, const Sealer& sealer) {
  PipelineRow pipeline;
  pipeline.id = row.IdAt<PipelineId>(0);
  pipeline.project = row.IdAt<ProjectId>(1);
  pipeline.project_name = row.Bytes(2);
  pipeline.commit = {.sha = row.Bytes(3),
                     .title = row.Bytes(4),
                     .message = row.Bytes(5),
                     .author = row.Bytes(6),
                     .author_email = row.Bytes(7),
                     .authored_at = row.Time(8)};
  pipeline.ref_name = row.Bytes(9);
  pipeline.is_tag = row.Bool(10);
  pipeline.source = row.Bytes(11);
  pipeline.before_sha = row.Bytes(12);
  pipeline.name = row.Bytes(13);
  GRANGE_ASSIGN_OR_RETURN(pipeline.stages, DecodeList(row.Bytes(14)));
  GRANGE_ASSIGN_OR_RETURN(const std::string variables,
                          OpenVariables(sealer, pipeline.id, row.Bytes(15)));
  GRANGE_ASSIGN_OR_RETURN(pipeline.variables, DecodePairs(variables));
  GRANGE_ASSIGN_OR_RETURN(pipeline.errors, DecodeList(row.Bytes(16)));
  GRANGE_ASSIGN_OR_RETURN(pipeline.warnings, DecodeList(row.Bytes(17)));
  GRANGE_ASSIGN_OR_RETURN(pipeline.state, lifecycle::ParsePipelineState(row.Bytes(18)));
  pipeline.created_at = row.Time(19);
  pipeline.started_at = row.Time(20);
  pipeline.finished_at = row.Time(21);
  pipeline.failure = row.Bytes(22);
  pipeline.coverage = row.Real(23);
  pipeline.pinned = row.Bool(24);
  return pipeline;
}

// About what the rows take, for the limit on them: what has no fixed size, and a guess of the rest.
uint64_t RowBytes(const PipelineRow& pipeline, const std::vector<JobRow>& jobs) {
  constexpr uint64_t kPipelineBytes = 1000, kJobBytes = 600;
  uint64_t bytes = kPipelineBytes + pipeline.commit.message.size() +
                   EncodePairs(pipeline.variables).size() + EncodeList(pipeline.errors).size();
  for (const JobRow& job : jobs) bytes += kJobBytes + job.plan_json.size();
  return bytes;
}

absl::Status InsertPipeline(Connection& connection, const Sealer& sealer, PipelineRow& pipeline,
                            uint64_t row_bytes) {
  GRANGE_RETURN_IF_ERROR(
      connection
          .Prepare("INSERT INTO pipelines (project, sha, title, message, author, author_email, "
                   "authored_at, ref_name, is_tag, source, before_sha, name, stages, variables, "
                   "errors, warnings, state, finished, created_at, started_at, finished_at, "
                   "failure, row_bytes) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
          .Bind(pipeline.project, pipeline.commit.sha, pipeline.commit.title,
                pipeline.commit.message, pipeline.commit.author, pipeline.commit.author_email,
                pipeline.commit.authored_at, pipeline.ref_name, pipeline.is_tag, pipeline.source,
                pipeline.before_sha, pipeline.name, EncodeList(pipeline.stages),
                absl::string_view(), EncodeList(pipeline.errors),
                EncodeList(pipeline.warnings), Word{lifecycle::PipelineStateName(pipeline.state)},
                lifecycle::IsFinal(pipeline.state), pipeline.created_at, pipeline.started_at,
                pipeline.finished_at, pipeline.failure, row_bytes)
          .Run());
  pipeline.id = PipelineId(connection.last_id());
  if (pipeline.variables.empty()) return absl::OkStatus();
  // With its id, to which the sealed value is bound.
  return connection.Prepare("UPDATE pipelines SET variables = ? WHERE id = ?")
      .Bind(SealVariables(sealer, pipeline.id, EncodePairs(pipeline.variables)), pipeline.id)
      .Run();
}

absl::Status InsertJob(Connection& connection, const Sealer& sealer, PipelineId pipeline,
                       JobRow& job) {
  job.pipeline = pipeline;
  const schedule::StoreJob& progress = job.progress;
  GRANGE_RETURN_IF_ERROR(
      connection
          .Prepare("INSERT INTO jobs (pipeline, position, name, stage, stage_index, state, "
                   "attempt, automatic_retries, phase, fence, agent, reason, exit_code, "
                   "cancel_wanted, played, allowed_to_fail, created_at, queued_at, play_at, "
                   "started_at, finished_at, detail) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
          .Bind(pipeline, job.index, job.name, job.stage, job.stage_index,
                Word{lifecycle::JobStateName(progress.state)}, progress.attempt,
                progress.automatic_retries, static_cast<int>(progress.phase), progress.fence,
                progress.agent, Word{lifecycle::FailureReasonName(progress.reason)},
                progress.exit_code, CancelWanted(progress), progress.played,
                progress.allowed_to_fail, job.created_at, progress.queued_at, progress.play_at,
                progress.started_at, progress.finished_at, progress.detail)
          .Run());
  job.id = JobId(connection.last_id());
  job.progress.id = job.id;
  job.progress.pipeline = pipeline;
  if (!job.expire_in.has_value()) {
    return connection.Prepare("INSERT INTO job_plans (job, plan) VALUES (?, ?)")
        .Bind(job.id, SealPlan(sealer, job.id, job.plan_json))
        .Run();
  }
  return connection.Prepare("INSERT INTO job_plans (job, plan, expire_in) VALUES (?, ?, ?)")
      .Bind(job.id, SealPlan(sealer, job.id, job.plan_json),
            absl::ToInt64Microseconds(*job.expire_in))
      .Run();
}

}  // namespace

absl::Status SqliteStore::CreatePipeline(PipelineRow& pipeline, std::vector<JobRow>& jobs,
                                         absl::string_view request_key,
                                         std::optional<std::string>* earlier_answer,
                                         const Actor& actor) {
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_ASSIGN_OR_RETURN(std::optional<std::string> answer,
                            FindAnswerIn(connection, request_key, clock_.Now()));
    if (answer.has_value()) {
      if (earlier_answer != nullptr) *earlier_answer = *std::move(answer);
      return absl::OkStatus();
    }
    GRANGE_RETURN_IF_ERROR(
        InsertPipeline(connection, *parts_.sealer, pipeline, RowBytes(pipeline, jobs)));
    for (JobRow& job : jobs) {
      GRANGE_RETURN_IF_ERROR(InsertJob(connection, *parts_.sealer, pipeline.id, job));
    }
    GRANGE_RETURN_IF_ERROR(PutAuditIn(
        connection, actor,
        absl::StrCat("pipeline ", pipeline.id.value(), " of ", pipeline.project_name, ", ",
                     pipeline.is_tag ? "tag " : "branch ", pipeline.ref_name, " at ",
                     pipeline.commit.sha.substr(0, 8), ", is made"),
        clock_.Now()));
    return PutAnswerIn(connection, request_key, absl::StrCat(pipeline.id.value()), clock_.Now());
  });
}

absl::StatusOr<PipelineRow> SqliteStore::GetPipeline(PipelineId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kById.text);
  statement.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row) return RowOf(statement, *parts_.sealer);
  return RemovedPipeline(
      *reader, id, absl::StrCat("there is no pipeline ", id.value(), "; see 'grangectl pipelines'"));
}

absl::Status SqliteStore::PinPipeline(PipelineId id, bool pinned, const Answer& answer) {
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_RETURN_IF_ERROR(
        connection
            .Prepare("UPDATE pipelines SET pinned = ? WHERE id = ? AND NOT EXISTS "
                     "(SELECT 1 FROM removed_pipelines r WHERE r.id = pipelines.id)")
            .Bind(pinned, id)
            .Run());
    if (connection.changes() == 0) {
      return RemovedPipeline(
          connection, id,
          absl::StrCat("there is no pipeline ", id.value(), "; see 'grangectl pipelines'"));
    }
    return PutAnswerIn(connection, answer, clock_.Now());
  });
}

absl::StatusOr<std::vector<PipelineRow>> SqliteStore::ListPipelines(ProjectId project, int limit,
                                                                    PipelineId before) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  const int64_t below = before.is_set() ? before.value() : INT64_MAX;
  const int count = std::clamp(limit, 0, kRowsMax);
  Statement statement =
      project.is_set() ? reader->Prepare(kNewestOfProject.text) : reader->Prepare(kNewest.text);
  statement.Bind(below);
  if (project.is_set()) statement.Bind(project);
  statement.Bind(count);
  std::vector<PipelineRow> pipelines;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return pipelines;
    GRANGE_ASSIGN_OR_RETURN(PipelineRow pipeline, RowOf(statement, *parts_.sealer));
    pipelines.push_back(std::move(pipeline));
  }
}

absl::StatusOr<std::string> SqliteStore::CommitBefore(ProjectId project, absl::string_view branch,
                                                      absl::string_view sha) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  // A push of the same commit was answered by this rule already. If it were passed over, each submit
  // of a commit that has many pipelines would read them all.
  Statement statement = reader->Prepare(
      "SELECT CASE WHEN sha = ?1 THEN before_sha ELSE sha END FROM pipelines WHERE project = ?2 "
      "AND ref_name = ?3 AND is_tag = 0 AND (sha <> ?1 OR source = ?4) ORDER BY id DESC LIMIT 1");
  statement.Bind(sha, project, branch, kPush);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Bytes(0) : std::string();
}

absl::StatusOr<std::vector<PipelineId>> SqliteStore::UnfinishedPipelines() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare("SELECT id FROM pipelines WHERE finished = 0 ORDER BY id");
  std::vector<PipelineId> ids;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return ids;
    ids.push_back(statement.IdAt<PipelineId>(0));
  }
}

}  // namespace grange::store
