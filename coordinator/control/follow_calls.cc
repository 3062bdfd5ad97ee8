// Watch and Logs: streams that sleep until something has changed.
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "common/rpc/status.h"
#include "coordinator/control/contact_note.h"
#include "coordinator/control/control_service.h"
#include "coordinator/control/convert.h"
#include "coordinator/control/log_marks.h"

namespace grange::control {
namespace {

// A running job's tail is sent at most so often.
constexpr absl::Duration kTailEvery = absl::Milliseconds(100);
constexpr size_t kTailBytes = 4096;
// So long after an event, states of jobs are gathered for the next one: each event costs a reader
// and us some wake-ups, and a pipeline of many short jobs has hundreds of states a second.
constexpr absl::Duration kStatesEvery = absl::Milliseconds(50);
// Of a trace in one message: what a reader that has stopped holds in memory here.
constexpr size_t kLogsPartBytes = 64 << 10;

bool OnlyAPersonCanGoOn(const store::PipelineRow& pipeline) {
  return lifecycle::IsFinal(pipeline.state) || pipeline.state == lifecycle::PipelineState::kManual;
}

// What one watcher has been told. Reads only rows that have changed: a pipeline may have thousands.
class Watcher {
 public:
  Watcher(Backend& backend, store::Store& store, trace::TraceStore& traces, PipelineId pipeline,
          std::shared_ptr<Wakeup> wakeup)
      : backend_(backend),
        store_(store),
        traces_(traces),
        pipeline_(pipeline),
        wakeup_(std::move(wakeup)) {}

  // What has changed since the last call; nullopt if nothing has.
  absl::StatusOr<std::optional<v1::WatchEvent>> Next(bool with_tails) {
    v1::WatchEvent event;
    const bool first = pipeline_told_.empty();
    const PipelineChange change = wakeup_->TakeChange();
    bool news = false;
    if (first || change.pipeline) {
      GRANGE_ASSIGN_OR_RETURN(const bool told, TellPipeline(event));
      news |= told;
    }
    // With the end all jobs once more: the row may be newer than the changes that were announced.
    GRANGE_ASSIGN_OR_RETURN(const std::vector<store::JobRow> rows,
                            first || ended_ ? store_.JobsOf(pipeline_) : Read(change.jobs));
    for (const store::JobRow& row : rows) news |= TellJob(row, event);
    if (with_tails) {
      for (auto& [job, tail] : tails_) news |= AddTail(job, tail, event);
    }
    event.set_ended(ended_);
    if (!news && !ended_) return std::optional<v1::WatchEvent>();
    return std::optional<v1::WatchEvent>(std::move(event));
  }

 private:
  struct Tail {
    AttemptNumber attempt = 0;
    AttemptNumber watched = 0;  // the attempt of `watch`
    uint64_t size = 0;
    std::unique_ptr<trace::TraceStore::Watch> watch;
  };

  static bool Remember(std::string now, std::string& told) {
    if (now == told) return false;
    told = std::move(now);
    return true;
  }

  absl::StatusOr<std::vector<store::JobRow>> Read(const std::set<JobId>& jobs) {
    std::vector<store::JobRow> rows;
    for (const JobId job : jobs) {
      GRANGE_ASSIGN_OR_RETURN(store::JobRow row, store_.GetJob(job));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  absl::StatusOr<bool> TellPipeline(v1::WatchEvent& event) {
    GRANGE_ASSIGN_OR_RETURN(const store::PipelineRow row, store_.GetPipeline(pipeline_));
    ended_ = OnlyAPersonCanGoOn(row);
    v1::Pipeline message;
    ToProto(row, &message);
    if (!Remember(message.SerializeAsString(), pipeline_told_)) return false;
    *event.mutable_pipeline() = std::move(message);
    return true;
  }

  bool TellJob(const store::JobRow& row, v1::WatchEvent& event) {
    if (row.progress.state == lifecycle::JobState::kRunning) {
      tails_[row.id].attempt = row.progress.attempt;
    } else {
      tails_.erase(row.id);
    }
    const auto [planned, is_new] = planned_.try_emplace(row.id);
    if (is_new) AddPlan(row, &planned->second);
    v1::Job message = planned->second;
    AddProgress(row, &message);
    AddContact(backend_, store_, row, &message);
    message.set_trace_bytes(0);  // grows with every line; not news here
    if (!Remember(message.SerializeAsString(), job_told_[row.id])) return false;
    *event.add_jobs() = std::move(message);
    return true;
  }

  bool AddTail(JobId job, Tail& tail, v1::WatchEvent& event) {
    if (tail.watched != tail.attempt) {
      tail.watched = tail.attempt;
      tail.size = 0;
      tail.watch = traces_.Subscribe(job, tail.attempt,
                                     [wakeup = wakeup_] { wakeup->Signal(Wakeup::kTrace); });
    }
    const uint64_t size = traces_.Size(job, tail.attempt);
    if (size == tail.size) return false;
    tail.size = size;
    const uint64_t from = size > kTailBytes ? size - kTailBytes : 0;
    absl::StatusOr<std::string> bytes = traces_.Read(job, tail.attempt, from, kTailBytes);
    if (!bytes.ok()) return false;
    v1::WatchEvent::Tail* const added = event.add_tails();
    added->set_job_id(job.value());
    added->set_offset(from);
    added->set_text(*std::move(bytes));
    return true;
  }

  Backend& backend_;
  store::Store& store_;
  trace::TraceStore& traces_;
  const PipelineId pipeline_;
  const std::shared_ptr<Wakeup> wakeup_;
  std::string pipeline_told_;
  std::map<JobId, v1::Job> planned_;  // what AddPlan() says
  std::map<JobId, std::string> job_told_;
  std::map<JobId, Tail> tails_;  // of running jobs
  bool ended_ = false;
};

// kNotFound, with the day and the limit, if retention removed the attempt's log.
absl::Status CheckNotRemoved(store::Store& store, JobId job, AttemptNumber attempt) {
  const absl::StatusOr<store::AttemptRow> row = store.GetAttempt(job, attempt);
  if (!row.ok() || row->trace_removed_at == absl::InfinitePast()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(
      "the log of job ", job.value(), ", attempt ", attempt, " was removed by retention on ",
      absl::FormatTime("%Y-%m-%d", row->trace_removed_at, absl::UTCTimeZone()), " (",
      row->trace_removed_by, "); 'grangectl job ", job.value(), "' shows what is known of it"));
}

// Of an attempt whose start was not heard of yet, as its first bytes came before: now.
LogMarks::Start StartOf(const absl::StatusOr<store::AttemptRow>& attempt, absl::Time now) {
  constexpr absl::Duration kLong = absl::Seconds(1);
  if (!attempt.ok()) return {.unix_ms = absl::ToUnixMillis(now)};
  const bool was_started = attempt->started_at != absl::InfinitePast();
  const bool is_over = attempt->finished_at != absl::InfinitePast();
  if (is_over && !was_started) {  // its agent marked what it had to say
    return {.unix_ms = absl::ToUnixMillis(attempt->finished_at), .took_long = true};
  }
  return {.unix_ms = absl::ToUnixMillis(was_started ? attempt->started_at : now),
          .took_long = is_over && attempt->finished_at - attempt->started_at > kLong};
}

}  // namespace

void ControlService::AcceptStreams(session::StreamThreads& threads) {
  session::StreamCall<v1::WatchRequest, v1::WatchEvent>::Accept(
      threads, watchers_,
      [this](auto* context, auto* request, auto* writer, auto* queue, void* tag) {
        RequestWatch(context, request, writer, queue, queue, tag);
      },
      [this](auto& context, const auto& request, auto& writer) {
        return AnswerWatch(context, request, writer);
      });
  session::StreamCall<v1::LogsRequest, v1::LogsPart>::Accept(
      threads, watchers_,
      [this](auto* context, auto* request, auto* writer, auto* queue, void* tag) {
        RequestLogs(context, request, writer, queue, queue, tag);
      },
      [this](auto& context, const auto& request, auto& writer) {
        return AnswerLogs(context, request, writer);
      });
}

grpc::Status ControlService::AnswerWatch(grpc::ServerContext& context,
                                         const v1::WatchRequest& request,
                                         session::ReplyWriter<v1::WatchEvent>& writer) {
  const session::OpenCalls::Call open = Open(context);
  const absl::StatusOr<User> caller = Caller(context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const PipelineId pipeline(request.pipeline_id());
  const std::shared_ptr<Wakeup> wakeup = std::make_shared<Wakeup>();
  writer.WhenOver([wakeup] { wakeup->Signal(Wakeup::kState | Wakeup::kAtOnce); });
  const std::unique_ptr<ChangeFeed::Handle> handle = parts_.feed.Subscribe(pipeline, wakeup);
  Watcher watcher(parts_.backend, parts_.store, parts_.traces, pipeline, wakeup);
  // Since boot; then they may be sent again.
  absl::Duration tails_at = absl::ZeroDuration(), states_at = absl::ZeroDuration();
  while (!context.IsCancelled()) {
    if (parts_.feed.closed()) {
      return rpc::ToGrpc(absl::UnavailableError("the coordinator is stopping"));
    }
    const absl::Duration now = os::SinceBoot();
    const bool with_tails = request.log_tail() && now >= tails_at;
    if (with_tails) tails_at = now + kTailEvery;
    absl::StatusOr<std::optional<v1::WatchEvent>> event = watcher.Next(with_tails);
    if (!event.ok()) return rpc::ToGrpc(event.status());
    if (event->has_value()) {
      if ((*event)->ended()) return writer.End(*std::move(*event));
      if (!writer.Write(**event)) return grpc::Status::OK;
      states_at = os::SinceBoot() + kStatesEvery;
    }
    // Output of a chatty job must not become an event per line.
    const absl::Duration held = tails_at - os::SinceBoot();
    const unsigned news =
        held > absl::ZeroDuration()
            ? wakeup->Wait(Wakeup::kState | Wakeup::kAtOnce, held)
            : wakeup->Wait(Wakeup::kState | Wakeup::kTrace | Wakeup::kAtOnce,
                           absl::InfiniteDuration());
    const absl::Duration early = states_at - os::SinceBoot();
    if ((news & Wakeup::kAtOnce) == 0 && early > absl::ZeroDuration()) {
      wakeup->Wait(Wakeup::kAtOnce, early);
    }
  }
  return grpc::Status::OK;
}

grpc::Status ControlService::AnswerLogs(grpc::ServerContext& context,
                                        const v1::LogsRequest& request,
                                        session::ReplyWriter<v1::LogsPart>& writer) {
  const session::OpenCalls::Call open = Open(context);
  const absl::StatusOr<User> caller = Caller(context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  absl::StatusOr<store::JobRow> job = parts_.store.GetJob(JobId(request.job_id()));
  if (!job.ok()) return rpc::ToGrpc(job.status());
  const std::shared_ptr<Wakeup> wakeup = std::make_shared<Wakeup>();
  writer.WhenOver([wakeup] { wakeup->Signal(Wakeup::kState); });
  const std::unique_ptr<ChangeFeed::Handle> handle = parts_.feed.Subscribe(job->pipeline, wakeup);
  AttemptNumber attempt = request.attempt();
  std::unique_ptr<trace::TraceStore::Watch> watch;
  uint64_t offset = request.offset();
  std::optional<LogMarks> marks;
  // What goes with the bytes before `end`; of more than one part may hold, the rest is in `last`.
  const auto add_marks = [&](uint64_t end, v1::LogsPart& last) {
    while (marks.has_value() && !marks->AddTo(end, &last)) {
      v1::LogsPart more;
      more.set_offset(last.offset());
      more.set_attempt(attempt);
      more.mutable_marks()->Swap(last.mutable_marks());
      if (!writer.Write(more)) return;
    }
  };
  bool told_paused = false;
  unsigned news = Wakeup::kState;
  while (!context.IsCancelled()) {
    if (parts_.feed.closed()) {
      return rpc::ToGrpc(absl::UnavailableError("the coordinator is stopping"));
    }
    // The state before the bytes: a trace is complete before its job's end is committed. Not for
    // each growth of the trace: many may watch one, and all of them are woken at once.
    if (news != Wakeup::kTrace) job = parts_.store.GetJob(JobId(request.job_id()));
    if (!job.ok()) return rpc::ToGrpc(job.status());
    if (attempt == 0) attempt = job->progress.attempt;
    const bool ended = lifecycle::IsFinal(job->progress.state) || attempt < job->progress.attempt;
    if (attempt != 0 && watch == nullptr && request.follow()) {
      watch =
          parts_.traces.Subscribe(job->id, attempt, [wakeup] { wakeup->Signal(Wakeup::kTrace); });
    }
    if (attempt != 0 && request.marks() && !marks.has_value()) {
      marks.emplace(parts_.traces, job->id, attempt,
                    StartOf(parts_.store.GetAttempt(job->id, attempt), parts_.clock.Now()), offset);
    }
    while (attempt != 0) {
      absl::StatusOr<std::string> bytes =
          parts_.traces.Read(job->id, attempt, offset, kLogsPartBytes);
      if (absl::IsNotFound(bytes.status())) {
        const absl::Status there = CheckNotRemoved(parts_.store, job->id, attempt);
        if (!there.ok()) return rpc::ToGrpc(there);
        break;  // nothing was printed yet
      }
      if (!bytes.ok()) return rpc::ToGrpc(bytes.status());
      if (bytes->empty()) break;
      v1::LogsPart part;
      part.set_offset(offset);
      part.set_attempt(attempt);
      offset += bytes->size();
      add_marks(offset, part);
      part.set_data(*std::move(bytes));
      if (!writer.Write(part)) return grpc::Status::OK;
    }
    if (ended || !request.follow()) {
      v1::LogsPart last;
      last.set_offset(offset);
      last.set_attempt(attempt);
      last.set_ended(ended);
      add_marks(std::numeric_limits<uint64_t>::max(), last);
      const absl::StatusOr<store::AttemptRow> row = parts_.store.GetAttempt(job->id, attempt);
      last.set_dropped_bytes(row.ok() ? row->dropped_bytes : 0);
      return writer.End(std::move(last));
    }
    if (const bool paused = parts_.traces.IsPaused(job->id, attempt); paused != told_paused) {
      told_paused = paused;
      v1::LogsPart part;
      part.set_offset(offset);
      part.set_attempt(attempt);
      part.set_paused(paused);
      if (!writer.Write(part)) return grpc::Status::OK;
    }
    news = wakeup->Wait(Wakeup::kState | Wakeup::kTrace, absl::InfiniteDuration());
  }
  return grpc::Status::OK;
}

}  // namespace grange::control
