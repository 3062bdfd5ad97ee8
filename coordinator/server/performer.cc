#include "coordinator/server/performer.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "coordinator/server/assignment.h"

namespace grange::server {
namespace {

constexpr absl::Duration kRetryFullDisk = absl::Seconds(1);
// How long rows that nobody waits for are kept back for the next transaction that somebody does.
constexpr absl::Duration kCompanyWait = absl::Milliseconds(10);
constexpr int kFailuresMax = 3;

// Nobody hears of it and nothing ends by it, such as "running": it may wait for company.
bool IsPatient(const Batch& batch) {
  if (batch.done || batch.trace_end.has_value()) return false;
  return std::all_of(batch.decisions.begin(), batch.decisions.end(),
                     [](const schedule::Decision& decision) {
                       const auto* job = std::get_if<schedule::StoreJob>(&decision);
                       return job != nullptr && job->state == lifecycle::JobState::kRunning;
                     });
}

void AppendWrites(const Batch& batch, std::vector<store::Write>& writes) {
  for (const schedule::Decision& decision : batch.decisions) {
    if (const auto* job = std::get_if<schedule::StoreJob>(&decision)) {
      writes.emplace_back(*job);
    } else if (const auto* pipeline = std::get_if<schedule::StorePipeline>(&decision)) {
      writes.emplace_back(*pipeline);
    } else if (const auto* fence = std::get_if<schedule::StoreFence>(&decision)) {
      writes.emplace_back(*fence);
    }
  }
  if (batch.trace_end.has_value()) writes.emplace_back(*batch.trace_end);
  if (!batch.answer.key.empty() || !batch.answer.actor.user.empty()) writes.emplace_back(batch.answer);
}

}  // namespace

Performer::Performer(Parts parts) : parts_(std::move(parts)) {
  const absl::Status reserved = parts_.reserve.TakeBack();
  if (!reserved.ok()) read_only_reason_ = std::string(reserved.message());
  parts_.reserve.SetOnFull([this](const absl::Status& status) {
    base::MutexLock lock(mu_);
    full_ = status;
    work_.Signal();
  });
  thread_ = std::thread([this] { Loop(); });
}

Performer::~Performer() {
  parts_.reserve.SetOnFull(nullptr);
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    work_.Signal();
  }
  thread_.join();
}

void Performer::Perform(std::vector<Batch> batches) {
  base::MutexLock lock(mu_);
  for (Batch& batch : batches) {
    if (!IsPatient(batch)) urgent_ = true;
    waiting_.push_back(std::move(batch));
  }
  work_.Signal();
}

std::string Performer::read_only_reason() const {
  base::MutexLock lock(mu_);
  return read_only_reason_;
}

void Performer::Loop() {
  while (true) {
    std::deque<Batch> batches;
    absl::Status full;
    {
      base::MutexLock lock(mu_);
      WaitForSpace();
      while (waiting_.empty() && !stop_ && full_.ok() && read_only_reason_.empty()) work_.Wait(mu_);
      std::swap(full, full_);
      if (waiting_.empty() && stop_) return;
      if (!waiting_.empty()) {
        WaitForCompany();
        urgent_ = false;
        if (parts_.group_commits) {
          batches.swap(waiting_);
        } else {
          batches.push_back(std::move(waiting_.front()));
          waiting_.pop_front();
        }
      }
    }
    if (full.ok()) {
      TakeBackReserve();
    } else {
      GiveUpReserve(full);
    }
    std::vector<store::Write> writes;
    for (const Batch& batch : batches) AppendWrites(batch, writes);
    if (!writes.empty() && !Commit(writes)) return;
    for (Batch& batch : batches) Send(batch);
  }
}

void Performer::WaitForCompany() {
  const absl::Duration until = parts_.clock.SinceBoot() + kCompanyWait;
  while (!urgent_ && !stop_) {
    const absl::Duration left = until - parts_.clock.SinceBoot();
    if (left <= absl::ZeroDuration()) return;
    work_.WaitWithTimeout(mu_, left);
  }
}

void Performer::WaitForSpace() {
  if (!read_only_reason_.empty() && waiting_.empty() && !stop_) {
    work_.WaitWithTimeout(mu_, kRetryFullDisk);
  }
}

void Performer::TakeBackReserve() {
  if (read_only_reason().empty() || !parts_.reserve.TakeBack().ok()) return;
  log::Info("disk_has_space_again");
  SetReadOnly("");
}

bool Performer::GiveUpReserve(const absl::Status& why) {
  const bool given_up = parts_.reserve.GiveUp();
  SetReadOnly(std::string(why.message()));
  return given_up;
}

void Performer::SetReadOnly(const std::string& reason) {
  {
    base::MutexLock lock(mu_);
    if (read_only_reason_.empty() == reason.empty()) return;
    read_only_reason_ = reason;
  }
  if (!reason.empty()) {
    log::Error("read_only", {{"error", reason},
                             {"what_to_do", "free space on the disk of the state directory"}});
  }
  if (on_read_only_) on_read_only_(reason);
}

bool Performer::Commit(const std::vector<store::Write>& writes) {
  int failures = 0;
  while (true) {
    const absl::Status committed = parts_.store.Commit(writes);
    if (committed.ok()) return true;
    if (absl::IsResourceExhausted(committed)) {
      if (GiveUpReserve(committed)) continue;
    }
    base::MutexLock lock(mu_);
    if (!absl::IsResourceExhausted(committed) && ++failures >= kFailuresMax) {
      log::Error("cannot_store",
                 {{"error", committed},
                  {"what_to_do", "check the disk; then start the coordinator again"}});
      std::_Exit(1);  // nothing that was not stored may be said to anybody
    }
    if (stop_) return false;
    work_.WaitWithTimeout(mu_, kRetryFullDisk);
  }
}

void Performer::Send(Batch& batch) {
  std::map<PipelineId, control::PipelineChange> changed;
  for (const schedule::Decision& decision : batch.decisions) {
    if (const auto* job = std::get_if<schedule::StoreJob>(&decision)) {
      control::PipelineChange& change = changed[job->pipeline];
      change.jobs.insert(job->id);
      const bool ended = batch.trace_end.has_value() && batch.trace_end->job == job->id &&
                         batch.trace_end->attempt == job->attempt;
      // The pipeline's coverage is made of its jobs'.
      change.pipeline |= ended && batch.trace_end->coverage.has_value();
      AfterCommit(*job, ended);
    } else if (const auto* pipeline = std::get_if<schedule::StorePipeline>(&decision)) {
      changed[pipeline->id].pipeline = true;
      if (lifecycle::IsFinal(pipeline->state)) parts_.book.Forget(pipeline->id);
    } else if (const auto* offer = std::get_if<schedule::SendOffer>(&decision)) {
      Send(*offer);
    } else if (const auto* start = std::get_if<schedule::SendStart>(&decision)) {
      Send(*start);
    } else if (const auto* cancel = std::get_if<schedule::SendCancel>(&decision)) {
      parts_.hub.SendCancel(*cancel);
    } else if (const auto* forget = std::get_if<schedule::SendForget>(&decision)) {
      parts_.hub.SendForget(*forget);
    } else if (const auto* revoke = std::get_if<schedule::SendRevoke>(&decision)) {
      parts_.hub.SendRevoke(*revoke);
    } else if (const auto* welcome = std::get_if<schedule::SendWelcome>(&decision)) {
      parts_.hub.SendWelcome(*welcome);
    } else if (const auto* drain = std::get_if<schedule::SendDrain>(&decision)) {
      parts_.hub.SendDrain(*drain);
    }
  }
  for (const auto& [pipeline, change] : changed) parts_.feed.Publish(pipeline, change);
  if (batch.done) batch.done(absl::OkStatus());
}

void Performer::AfterCommit(const schedule::StoreJob& row, bool has_trace_end) {
  if (row.phase != schedule::Phase::kNone) return;
  parts_.hub.gate().Close(row.id);
  if (row.attempt == 0) return;
  if (has_trace_end) {
    parts_.traces.Complete(row.id, row.attempt);
  } else if (lifecycle::IsFinal(row.state)) {
    parts_.traces.Abandon(row.id, row.attempt);
  }
  log::Info("job", {{"job", row.id},
                    {"attempt", int(row.attempt)},
                    {"state", lifecycle::JobStateName(row.state)},
                    {"reason", lifecycle::FailureReasonName(row.reason)}});
}

absl::StatusOr<session::JobSpec> Performer::SpecFor(const schedule::SendOffer& offer) {
  GRANGE_ASSIGN_OR_RETURN(const std::shared_ptr<const PipelineFacts> facts,
                          parts_.book.GetByJob(offer.assignment.job));
  AssignmentInputs inputs{.facts = *facts,
                          .job = offer.assignment.job,
                          .attempt = offer.assignment.attempt,
                          .server_url = parts_.server_url(),
                          .now = parts_.clock.Now(),
                          .project_variables = {},
                          .artifacts = {}};
  GRANGE_ASSIGN_OR_RETURN(inputs.project_variables, parts_.store.ListVariables(facts->project.id));
  GRANGE_ASSIGN_OR_RETURN(inputs.artifacts, parts_.store.ArtifactsOf(facts->row.id));
  return BuildSpec(inputs);
}

void Performer::Send(const schedule::SendOffer& offer) {
  parts_.traces.Prepare(offer.assignment.job, offer.assignment.attempt);
  const absl::StatusOr<session::JobSpec> spec = SpecFor(offer);
  const absl::Status sent = spec.ok() ? parts_.hub.SendOffer(offer, *spec) : spec.status();
  if (!sent.ok()) CannotOffer(offer.assignment, sent);
}

void Performer::CannotOffer(const Assignment& assignment, const absl::Status& why) {
  log::Error("cannot_offer", {{"job", assignment}, {"error", why}});
  if (on_unofferable_) on_unofferable_(assignment, why);
}

void Performer::Send(const schedule::SendStart& start) {
  session::StartSecrets secrets;
  const absl::StatusOr<std::shared_ptr<const PipelineFacts>> facts =
      parts_.book.GetByJob(start.assignment.job);
  if (facts.ok()) {
    absl::StatusOr<std::vector<store::ProjectVariable>> variables =
        parts_.store.ListVariables((*facts)->project.id);
    if (variables.ok()) {
      secrets = BuildSecrets({.facts = **facts,
                              .job = start.assignment.job,
                              .attempt = start.assignment.attempt,
                              .server_url = parts_.server_url(),
                              .now = parts_.clock.Now(),
                              .project_variables = *std::move(variables),
                              .artifacts = {}});
    }
  }
  const absl::Status sent = parts_.hub.SendStart(start, secrets);
  if (!sent.ok()) CannotOffer(start.assignment, sent);
}

}  // namespace grange::server
