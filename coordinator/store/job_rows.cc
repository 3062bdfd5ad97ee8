#include <algorithm>
#include <utility>

#include "coordinator/store/sealed_text.h"
#include "coordinator/store/sql_text.h"
#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

constexpr int kRowsMax = 1000;  // of ListJobs

constexpr char kSelectJob[] =
    "SELECT j.id, j.pipeline, j.position, j.name, j.stage, j.stage_index, l.plan, j.state, "
    "j.attempt, j.automatic_retries, j.phase, j.fence, j.agent, j.reason, j.exit_code, "
    "j.cancel_wanted, j.played, j.allowed_to_fail, j.queued_at, j.play_at, j.started_at, "
    "j.finished_at, j.detail, j.created_at, a.coverage, a.trace_bytes, a.dropped_bytes, g.name, "
    "a.detail, a.cpu_ms, a.max_rss_bytes FROM jobs j JOIN job_plans l ON l.job = j.id "
    "LEFT JOIN attempts a ON a.job = j.id AND a.attempt = j.attempt "
    "LEFT JOIN agents g ON g.id = j.agent ";
constexpr SqlText kJobsOfPipeline(kSelectJob, "WHERE j.pipeline = ? ORDER BY j.position");
constexpr SqlText kJobsOfProject(
    kSelectJob,
    "JOIN pipelines p ON p.id = j.pipeline WHERE p.project = ? ORDER BY j.id DESC LIMIT ?");
constexpr SqlText kNewestJobs(kSelectJob, "ORDER BY j.id DESC LIMIT ?");
constexpr SqlText kJobById(kSelectJob, "WHERE j.id = ?");

constexpr char kSelectAttempt[] =
    "SELECT a.job, a.attempt, a.fence, a.agent, g.name, a.state, a.reason, a.exit_code, "
    "a.started_at, a.finished_at, a.trace_bytes, a.dropped_bytes, a.trace_sha256, "
    "a.trace_damaged, a.trace_complete, a.detail, a.coverage, a.artifact, a.cpu_ms, "
    "a.max_rss_bytes, a.trace_removed_at, a.trace_removed_by "
    "FROM attempts a LEFT JOIN agents g ON g.id = a.agent ";
constexpr SqlText kAttemptsOfJob(kSelectAttempt, "WHERE a.job = ? ORDER BY a.attempt");
constexpr SqlText kOneAttempt(kSelectAttempt, "WHERE a.job = ? AND a.attempt = ?");
constexpr SqlText kOpenAttempts(kSelectAttempt,
                                "WHERE a.trace_complete = 0 ORDER BY a.job, a.attempt");

absl::StatusOr<lifecycle::FailureReason> ReasonAt(const Statement& row, int column) {
  const std::string name = row.Bytes(column);
  if (name.empty()) return lifecycle::FailureReason::kNone;
  return lifecycle::ParseFailureReason(name);
}

absl::StatusOr<schedule::Phase> PhaseAt(const Statement& row, int column) {
  const int64_t phase = row.Int(column);
  if (phase < 0 || phase > static_cast<int64_t>(schedule::Phase::kRunning)) {
    return absl::DataLossError(absl::StrCat("unknown phase ", phase, " of a job in the database"));
  }
  return static_cast<schedule::Phase>(phase);
}

absl::StatusOr<JobRow> JobOf(const Statement& row, const Sealer& sealer) {
  JobRow job;
  job.id = row.IdAt<JobId>(0);
  job.pipeline = row.IdAt<PipelineId>(1);
  job.index = static_cast<int>(row.Int(2));
  job.name = row.Bytes(3);
  job.stage = row.Bytes(4);
  job.stage_index = static_cast<int>(row.Int(5));
  GRANGE_ASSIGN_OR_RETURN(job.plan_json, OpenPlan(sealer, job.id, row.Bytes(6)));
  schedule::StoreJob& progress = job.progress;
  progress.id = job.id;
  progress.pipeline = job.pipeline;
  GRANGE_ASSIGN_OR_RETURN(progress.state, lifecycle::ParseJobState(row.Bytes(7)));
  progress.attempt = static_cast<AttemptNumber>(row.Int(8));
  progress.automatic_retries = static_cast<int>(row.Int(9));
  GRANGE_ASSIGN_OR_RETURN(progress.phase, PhaseAt(row, 10));
  progress.fence = Fence{static_cast<uint64_t>(row.Int(11))};
  progress.agent = row.IdAt<AgentId>(12);
  GRANGE_ASSIGN_OR_RETURN(progress.reason, ReasonAt(row, 13));
  progress.exit_code = static_cast<int>(row.Int(14));
  progress.cancel_wanted = row.Int(15) != 0;
  progress.cancel_by_force = row.Int(15) == kCancelByForce;
  progress.played = row.Bool(16);
  progress.allowed_to_fail = row.Bool(17);
  progress.queued_at = row.Time(18);
  progress.play_at = row.Time(19);
  progress.started_at = row.Time(20);
  progress.finished_at = row.Time(21);
  progress.detail = row.Bytes(22);
  job.created_at = row.Time(23);
  job.coverage = row.Real(24);
  job.trace_bytes = static_cast<uint64_t>(row.Int(25));
  job.dropped_bytes = static_cast<uint64_t>(row.Int(26));
  job.agent_name = row.Bytes(27);
  job.attempt_detail = row.Bytes(28);
  job.cpu = absl::Milliseconds(row.Int(29));
  job.max_rss_bytes = static_cast<uint64_t>(row.Int(30));
  return job;
}

absl::StatusOr<AttemptRow> AttemptOf(const Statement& row) {
  AttemptRow attempt;
  attempt.job = row.IdAt<JobId>(0);
  attempt.number = static_cast<AttemptNumber>(row.Int(1));
  attempt.fence = Fence{static_cast<uint64_t>(row.Int(2))};
  attempt.agent = row.IdAt<AgentId>(3);
  attempt.agent_name = row.Bytes(4);
  GRANGE_ASSIGN_OR_RETURN(attempt.state, lifecycle::ParseJobState(row.Bytes(5)));
  GRANGE_ASSIGN_OR_RETURN(attempt.reason, ReasonAt(row, 6));
  attempt.exit_code = static_cast<int>(row.Int(7));
  attempt.started_at = row.Time(8);
  attempt.finished_at = row.Time(9);
  attempt.trace_bytes = static_cast<uint64_t>(row.Int(10));
  attempt.dropped_bytes = static_cast<uint64_t>(row.Int(11));
  attempt.trace_sha256 = row.Bytes(12);
  attempt.trace_damaged = row.Bool(13);
  attempt.trace_complete = row.Bool(14);
  attempt.detail = row.Bytes(15);
  attempt.coverage = row.Real(16);
  attempt.artifact_id = row.Bytes(17);
  attempt.cpu = absl::Milliseconds(row.Int(18));
  attempt.max_rss_bytes = static_cast<uint64_t>(row.Int(19));
  if (!row.IsNull(20)) attempt.trace_removed_at = row.Time(20);
  attempt.trace_removed_by = row.Bytes(21);
  return attempt;
}

absl::StatusOr<std::vector<JobRow>> AllJobs(Statement& statement, const Sealer& sealer) {
  std::vector<JobRow> jobs;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return jobs;
    GRANGE_ASSIGN_OR_RETURN(JobRow job, JobOf(statement, sealer));
    jobs.push_back(std::move(job));
  }
}

absl::StatusOr<std::vector<AttemptRow>> AllAttempts(Statement& statement) {
  std::vector<AttemptRow> attempts;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return attempts;
    GRANGE_ASSIGN_OR_RETURN(AttemptRow attempt, AttemptOf(statement));
    attempts.push_back(std::move(attempt));
  }
}

}  // namespace

absl::StatusOr<std::vector<JobRow>> SqliteStore::JobsOf(PipelineId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kJobsOfPipeline.text);
  statement.Bind(id);
  return AllJobs(statement, *parts_.sealer);
}

absl::StatusOr<std::vector<JobRow>> SqliteStore::ListJobs(ProjectId project, int limit) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  const int count = std::clamp(limit, 0, kRowsMax);
  Statement statement =
      project.is_set() ? reader->Prepare(kJobsOfProject.text) : reader->Prepare(kNewestJobs.text);
  if (project.is_set()) statement.Bind(project);
  statement.Bind(count);
  return AllJobs(statement, *parts_.sealer);
}

absl::StatusOr<JobRow> SqliteStore::GetJob(JobId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kJobById.text);
  statement.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row) return JobOf(statement, *parts_.sealer);
  return RemovedJob(*reader, id,
                    absl::StrCat("there is no job ", id.value(), "; see 'grangectl jobs'"));
}

absl::StatusOr<std::vector<AttemptRow>> SqliteStore::AttemptsOf(JobId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kAttemptsOfJob.text);
  statement.Bind(id);
  return AllAttempts(statement);
}

absl::StatusOr<AttemptRow> SqliteStore::GetAttempt(JobId id, AttemptNumber attempt) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kOneAttempt.text);
  statement.Bind(id, attempt);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row) return AttemptOf(statement);
  return absl::NotFoundError(absl::StrCat("job ", id.value(), " has no attempt ", attempt));
}

absl::StatusOr<std::vector<AttemptRow>> SqliteStore::OpenAttempts() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(kOpenAttempts.text);
  return AllAttempts(statement);
}

}  // namespace grange::store
