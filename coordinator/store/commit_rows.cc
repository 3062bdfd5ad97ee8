#include <utility>

#include "coordinator/store/sqlite_store_rows.h"

// Commit(): the rows that the scheduler and the trace writer change, many in one transaction.
namespace grange::store {
namespace {

using lifecycle::FailureReason;
using lifecycle::JobState;

// An attempt begins with its grant: from then on a process may exist.
bool HasBegun(schedule::Phase phase) {
  switch (phase) {
    case schedule::Phase::kNone:
    case schedule::Phase::kOffered:
      return false;
    case schedule::Phase::kGranted:
    case schedule::Phase::kRunning:
      return true;
  }
  return false;
}

// How the attempt ended whose job is now as `job` says. A job that goes back to the queue at once
// (retry) never shows its attempt's own state.
JobState EndOfAttempt(const schedule::StoreJob& job) {
  if (lifecycle::IsFinal(job.state)) return job.state;
  return job.reason == FailureReason::kCanceled ? JobState::kCanceled : JobState::kFailed;
}

absl::Status PutAttempt(Connection& connection, const schedule::StoreJob& job, absl::Time now) {
  if (job.attempt == 0) return absl::OkStatus();
  if (HasBegun(job.phase)) {
    return connection
        .Prepare(
            "INSERT INTO attempts (job, attempt, fence, agent, state, reason, exit_code, "
            "started_at, finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (job, attempt) DO UPDATE SET fence = excluded.fence, "
            "agent = excluded.agent, started_at = excluded.started_at "
            "WHERE state = 'running'")
        .Bind(job.id, job.attempt, job.fence, job.agent,
              Word{lifecycle::JobStateName(JobState::kRunning)}, Word{""}, 0, job.started_at,
              absl::InfinitePast())
        .Run();
  }
  // Only one that still runs can end: a finished attempt keeps its result whatever happens to its
  // job later.
  return connection
      .Prepare(
          "UPDATE attempts SET state = ?, reason = ?, exit_code = ?, finished_at = ?, "
          "detail = coalesce(nullif(?, x''), detail) "
          "WHERE job = ? AND attempt = ? AND state = 'running'")
      .Bind(Word{lifecycle::JobStateName(EndOfAttempt(job))},
            Word{lifecycle::FailureReasonName(job.reason)}, job.exit_code,
            job.finished_at == absl::InfinitePast() ? now : job.finished_at, job.detail, job.id,
            job.attempt)
      .Run();
}

absl::Status PutRow(Connection& connection, const schedule::StoreJob& job, absl::Time now) {
  GRANGE_RETURN_IF_ERROR(
      connection
          .Prepare("UPDATE jobs SET state = ?, attempt = ?, automatic_retries = ?, phase = ?, "
                   "fence = ?, agent = ?, reason = ?, exit_code = ?, cancel_wanted = ?, "
                   "played = ?, allowed_to_fail = ?, queued_at = ?, play_at = ?, started_at = ?, "
                   "finished_at = ?, detail = ? WHERE id = ?")
          .Bind(Word{lifecycle::JobStateName(job.state)}, job.attempt, job.automatic_retries,
                static_cast<int>(job.phase), job.fence, job.agent,
                Word{lifecycle::FailureReasonName(job.reason)}, job.exit_code, CancelWanted(job),
                job.played, job.allowed_to_fail, job.queued_at, job.play_at, job.started_at,
                job.finished_at, job.detail, job.id)
          .Run());
  return PutAttempt(connection, job, now);
}

absl::Status PutRow(Connection& connection, const schedule::StorePipeline& pipeline, absl::Time) {
  return connection
      .Prepare(
          "UPDATE pipelines SET state = ?, finished = ?, started_at = ?, finished_at = ?, "
          "failure = ? WHERE id = ?")
      .Bind(Word{lifecycle::PipelineStateName(pipeline.state)}, lifecycle::IsFinal(pipeline.state),
            pipeline.started_at, pipeline.finished_at, pipeline.failure, pipeline.id)
      .Run();
}

absl::Status PutRow(Connection& connection, const schedule::StoreFence& fence, absl::Time) {
  return connection.Prepare("UPDATE fence SET highest = max(highest, ?)").Bind(fence.highest).Run();
}

absl::Status PutRow(Connection& connection, const PutTraceLength& length, absl::Time) {
  return connection
      .Prepare(
          "UPDATE attempts SET trace_bytes = ? "
          "WHERE job = ? AND attempt = ? AND trace_complete = 0")
      .Bind(length.durable, length.job, length.attempt)
      .Run();
}

// An empty detail or artifact and no coverage leave what is there: the end of an abandoned trace
// knows none of them.
absl::Status PutRow(Connection& connection, const PutTraceEnd& end, absl::Time) {
  return connection
      .Prepare(
          "UPDATE attempts SET trace_bytes = ?, dropped_bytes = ?, trace_sha256 = ?, "
          "trace_stored = CASE trace_complete WHEN 1 THEN trace_stored ELSE ? END, "
          "trace_damaged = ?, trace_complete = 1, cpu_ms = max(cpu_ms, ?), "
          "max_rss_bytes = max(max_rss_bytes, ?), coverage = coalesce(?, coverage), "
          "detail = coalesce(nullif(?, x''), detail), "
          "artifact = coalesce(nullif(?, x''), artifact) WHERE job = ? AND attempt = ?")
      .Bind(end.trace_bytes, end.dropped_bytes, end.sha256, end.trace_bytes + end.marks_bytes,
            end.damaged, absl::ToInt64Milliseconds(end.cpu), end.max_rss_bytes, end.coverage,
            end.detail, end.artifact_id, end.job, end.attempt)
      .Run();
}

// Not of one that was removed meanwhile.
absl::Status PutRow(Connection& connection, const PutTraceStored& stored, absl::Time) {
  return connection
      .Prepare(
          "UPDATE attempts SET trace_stored = ? WHERE job = ? AND attempt = ? AND "
          "trace_complete = 1 AND trace_removed_at IS NULL")
      .Bind(stored.stored, stored.job, stored.attempt)
      .Run();
}

absl::Status PutRow(Connection& connection, const PutLastContact& contact, absl::Time) {
  return connection.Prepare("UPDATE agents SET last_contact = max(last_contact, ?) WHERE id = ?")
      .Bind(contact.at, contact.agent)
      .Run();
}

absl::Status PutRow(Connection& connection, const Answer& answer, absl::Time now) {
  return PutAnswerIn(connection, answer, now);
}

}  // namespace

absl::Status SqliteStore::Commit(const std::vector<Write>& writes) {
  if (writes.empty()) return absl::OkStatus();
  const absl::Time now = clock_.Now();
  return InTransaction([&](Connection& connection) -> absl::Status {
    for (const Write& write : writes) {
      GRANGE_RETURN_IF_ERROR(
          std::visit([&](const auto& row) { return PutRow(connection, row, now); }, write));
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<Fence> SqliteStore::HighestFence() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare("SELECT highest FROM fence");
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::DataLossError("the row with the highest fence is missing");
  return Fence{static_cast<uint64_t>(statement.Int(0))};
}

}  // namespace grange::store
