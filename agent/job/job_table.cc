#include "agent/job/job_table.h"

#include <cstdio>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::job {
namespace {

// Of jobs that still run at the deadline of a drain: as the coordinator gives it with a cancel.

Report::Phase Reported(JobPhase phase) {
  switch (phase) {
    case JobPhase::kAccepting:
    case JobPhase::kAccepted:
    case JobPhase::kPreparing:
      return Report::Phase::kAccepted;
    case JobPhase::kStarting:
      return Report::Phase::kStarting;
    case JobPhase::kRunning:
    case JobPhase::kUploading:
      return Report::Phase::kRunning;
    case JobPhase::kFinished:
    case JobPhase::kGone:
      return Report::Phase::kFinished;
  }
  return Report::Phase::kFinished;
}

}  // namespace

JobTable::JobTable(const AttemptContext& context, DecodeSpec decode)
    : disk_(context.settings.disk, context.settings.state_dir, context.loop, context.clock,
            context.workers, *this),
      sweeper_(context.settings.sweep, context.settings.state_dir, context.loop, context.clock,
               context.workers, [this] { return FoldersInUse(); }),
      counter_(context.settings.state_dir, context.loop, context.clock, context.workers,
               std::min(KeptCounter::kEvery, context.settings.sweep.every)),
      context_{context.settings, context.loop,      context.clock, context.journal, context.traces,
               context.workers,  context.workbench, context.hub,   &disk_},
      decode_(std::move(decode)) {
  sweeper_.set_on_removed([this] { counter_.Count(); });
}

JobTable::~JobTable() {
  if (drain_timer_ != 0) context_.loop.Cancel(drain_timer_);
}

void JobTable::Recover() {
  const std::map<Assignment, std::vector<trace::Record>> recorded = context_.journal.attempts();
  for (const auto& [assignment, records] : recorded) RecoverOne(assignment, records);
  SweepFolders();
  SweepCgroups();
  sweeper_.Run();
  counter_.Count();
}

void JobTable::RecoverOne(const Assignment& assignment, const std::vector<trace::Record>& records) {
  int slot = -1;
  absl::StatusOr<JobSpec> spec = absl::DataLossError("no accepted record");
  if (!records.empty() && records.front().kind == trace::Record::Kind::kAccepted) {
    const absl::string_view payload = records.front().payload;
    const size_t line = payload.find('\n');
    if (line != absl::string_view::npos && absl::SimpleAtoi(payload.substr(0, line), &slot)) {
      spec = decode_(payload.substr(line + 1));
    }
  }
  if (!spec.ok()) {
    // Without its spec nothing can be done for it; the coordinator will find it missing.
    log::Error("attempt_not_readable", {{"job", assignment}, {"error", spec.status()}});
    const absl::Status noted =
        context_.journal.AppendLazily({trace::Record::Kind::kForgotten, assignment, ""});
    if (!noted.ok()) log::Warning("not_noted_as_forgotten", {{"job", assignment}, {"why", noted}});
    return;
  }
  auto attempt = std::make_shared<Attempt>(context_, assignment, *std::move(spec), slot);
  Add(attempt);
  attempt->Recover(records);
}

// Folders of attempts that were forgotten when the agent died, and of those on their way out.
void JobTable::SweepFolders() {
  const std::string jobs = os::JoinPath(context_.settings.state_dir, "jobs");
  std::set<std::string> known;
  for (const auto& [assignment, attempt] : attempts_) {
    known.insert(absl::StrCat(assignment.job.value(), "-", assignment.attempt));
  }
  const absl::StatusOr<std::vector<std::string>> names = os::ListDir(jobs);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (known.count(name) == 0) DeleteLater(os::JoinPath(jobs, name));
  }
  // Files of variables for jobs with users of their own lie beside the work trees.
  std::set<int> taken;
  for (const auto& [assignment, attempt] : attempts_) {
    if (attempt->holds_slot()) taken.insert(attempt->slot());
  }
  for (int slot = 0; slot < context_.settings.slots; ++slot) {
    if (taken.count(slot) > 0) continue;
    const absl::Status removed =
        os::RemoveTree(absl::StrCat(context_.settings.state_dir, "/workspaces/", slot, "/.files"));
    if (!removed.ok()) log::Error("secret_files_left", {{"slot", slot}, {"why", removed}});
  }
}

// Of jobs that ended while there was no agent, or whose shim was killed then.
void JobTable::SweepCgroups() {
  std::set<std::string> running;
  for (const auto& [assignment, attempt] : attempts_) {
    if (attempt->phase() == JobPhase::kRunning) {
      running.insert(absl::StrCat(assignment.job.value(), "-", assignment.attempt));
    }
  }
  const size_t swept = context_.settings.cgroups.Sweep(running);
  if (swept > 0) log::Warning("cgroups_swept", {{"count", swept}});
}

void JobTable::DeleteLater(const std::string& folder) {
  // Under another name at once: the same attempt may be offered again, under a new fence.
  const std::string away = absl::StrCat(context_.settings.state_dir, "/jobs/.gone-", ++deleted_,
                                        "-", absl::ToUnixNanos(context_.clock.Now()));
  const bool moved = std::rename(folder.c_str(), away.c_str()) == 0;
  context_.workers.Run([path = moved ? away : folder] {
    exec::RemoveCgroupOf(path);  // one that was never used
    const absl::Status removed = os::RemoveTree(path);
    if (!removed.ok()) log::Warning("folder_not_removed", {{"why", removed}});
  });
}

void JobTable::Add(std::shared_ptr<Attempt> attempt) {
  // No cycle: the callback goes with the entry.
  attempt->set_on_gone([this, weak = std::weak_ptr<Attempt>(attempt)] {
    if (const std::shared_ptr<Attempt> gone = weak.lock()) Remove(gone);
  });
  attempts_[attempt->assignment()] = std::move(attempt);
}

void JobTable::Remove(const std::shared_ptr<Attempt>& attempt) {
  attempts_.erase(attempt->assignment());
  DeleteLater(attempt->job_dir());
  sweeper_.Run();
  counter_.Count();
  if (attempts_.empty() && on_empty_) on_empty_();
}

std::shared_ptr<Attempt> JobTable::Find(const Assignment& assignment) const {
  const auto found = attempts_.find(assignment);
  if (found != attempts_.end()) return found->second;
  log::Debug("unknown_assignment", {{"job", assignment}});
  return nullptr;
}

std::optional<int> JobTable::FreeSlot() const {
  std::set<int> taken;
  for (const auto& [assignment, attempt] : attempts_) {
    if (attempt->holds_slot()) taken.insert(attempt->slot());
  }
  for (int slot = 0; slot < context_.settings.slots; ++slot) {
    if (taken.count(slot) == 0) return slot;
  }
  return std::nullopt;
}

int JobTable::FreeSlots() const {
  int free = context_.settings.slots;
  for (const auto& [assignment, attempt] : attempts_) {
    if (attempt->holds_slot()) --free;
  }
  return draining() ? 0 : std::max(free, 0);
}

uint64_t JobTable::FreeBytes() const {
  return os::FreeBytes(context_.settings.state_dir).value_or(0);
}

// The reason why an offer can't be taken, or "".
std::string JobTable::WhyNot(const Assignment& assignment) const {
  if (draining()) return "draining";  // the word that the scheduler knows
  for (const auto& [other, attempt] : attempts_) {
    if (other.job == assignment.job && other.attempt == assignment.attempt) {
      return absl::StrCat("this attempt is still held under fence ", FenceValue(other.fence));
    }
  }
  if (!FreeSlot().has_value()) {
    return absl::StrCat("all ", context_.settings.slots, " slots are busy");
  }
  const absl::StatusOr<uint64_t> free = os::FreeBytes(context_.settings.state_dir);
  if (free.ok() && *free < context_.settings.free_bytes_min) {
    return absl::StrCat("disk full: the agent's disk has only ", *free >> 20,
                        " MiB free, less than the ", context_.settings.free_bytes_min >> 20,
                        " MiB that it keeps");
  }
  return disk_.WhyNot();
}

std::vector<DiskPlace> JobTable::DiskPlaces() const {
  std::vector<DiskPlace> places;
  places.reserve(attempts_.size());
  for (const auto& [assignment, attempt] : attempts_) places.push_back(attempt->PlaceOnDisk());
  return places;
}

void JobTable::PauseOutput(bool on) {
  for (const auto& [assignment, attempt] : attempts_) attempt->PauseOutput(on);
}

void JobTable::FailLargest(const DiskUse& use) {
  if (const auto attempt = Find(use.assignment)) attempt->FailAsLargest(use);
}

void JobTable::DropIdleWorkTrees() {
  std::set<std::string> taken;
  for (const auto& [assignment, attempt] : attempts_) {
    if (attempt->holds_slot()) taken.insert(absl::StrCat(attempt->slot()));
  }
  const std::string workspaces = os::JoinPath(context_.settings.state_dir, "workspaces");
  for (const std::string& slot : os::ListDir(workspaces).value_or(std::vector<std::string>())) {
    if (taken.count(slot) > 0) continue;
    log::Info("work_trees_dropped", {{"slot", slot}});
    DeleteLater(os::JoinPath(workspaces, slot));
  }
}

// Those of attempts that still hold their slot: workers of theirs may be in there, and a mirror is
// used wherever a work tree of its project is.
std::set<std::string> JobTable::FoldersInUse() const {
  std::set<std::string> paths;
  for (const auto& [assignment, attempt] : attempts_) {
    if (!attempt->holds_slot()) continue;
    for (std::string& path : attempt->KeptFolders()) paths.insert(std::move(path));
  }
  return paths;
}

void JobTable::Offer(const Assignment& assignment, const std::string& spec_bytes) {
  if (const auto found = attempts_.find(assignment); found != attempts_.end()) {
    // Twice: the first one's answer holds, and may be repeated once it is durable.
    if (found->second->phase() == JobPhase::kAccepted) context_.hub.Accepted(assignment);
    return;
  }
  // An offer under a higher fence says that the older one was withdrawn.
  std::vector<std::shared_ptr<Attempt>> older;
  for (const auto& [other, attempt] : attempts_) {
    if (other.job == assignment.job && other.attempt == assignment.attempt &&
        other.fence < assignment.fence) {
      older.push_back(attempt);
    }
  }
  for (const std::shared_ptr<Attempt>& attempt : older) attempt->Forget();
  if (const std::string why = WhyNot(assignment); !why.empty()) {
    return context_.hub.Declined(assignment, why);
  }
  absl::StatusOr<JobSpec> spec = decode_(spec_bytes);
  if (!spec.ok()) return context_.hub.Declined(assignment, std::string(spec.status().message()));
  auto attempt = std::make_shared<Attempt>(context_, assignment, *std::move(spec), *FreeSlot());
  Add(attempt);
  if (lease_.has_value()) attempt->SetLease(*lease_);
  attempt->Accept(spec_bytes);
}

void JobTable::Start(const Assignment& assignment, JobSecrets secrets) {
  const auto attempt = Find(assignment);
  if (attempt == nullptr) return;
  if (DrainIsOver()) return attempt->EndForDrain(context_.settings.drain_grace);
  attempt->Start(std::move(secrets));
}

void JobTable::Drain(bool on, std::optional<absl::Duration> deadline) {
  draining_ = on;
  drain_deadline_ = on ? deadline : std::nullopt;
  KeepDrainDeadline();
}

bool JobTable::DrainIsOver() const {
  return drain_deadline_.has_value() && context_.clock.SinceBoot() >= *drain_deadline_;
}

void JobTable::KeepDrainDeadline() {
  if (drain_timer_ != 0) context_.loop.Cancel(std::exchange(drain_timer_, 0));
  if (!drain_deadline_.has_value()) return;
  if (!DrainIsOver()) {
    drain_timer_ = context_.loop.After(*drain_deadline_ - context_.clock.SinceBoot(), [this] {
      drain_timer_ = 0;
      KeepDrainDeadline();
    });
    return;
  }
  const std::map<Assignment, std::shared_ptr<Attempt>> all = attempts_;  // some may leave at once
  for (const auto& [assignment, attempt] : all) {
    if (!attempt->holds_slot()) continue;
    const absl::Duration grace = context_.settings.drain_grace;
    log::Warning("drain_is_over", {{"job", assignment}, {"grace", grace}});
    attempt->EndForDrain(grace);
  }
}

void JobTable::Cancel(const Assignment& assignment, absl::Duration grace, bool force) {
  if (const auto attempt = Find(assignment)) attempt->Cancel(grace, force);
}

void JobTable::Forget(const Assignment& assignment) {
  if (const auto attempt = Find(assignment)) attempt->Forget();
}

void JobTable::ForgetAll() {
  const std::map<Assignment, std::shared_ptr<Attempt>> all = attempts_;  // they leave meanwhile
  for (const auto& [assignment, attempt] : all) attempt->Forget();
}

std::vector<Report> JobTable::Reports() const {
  std::vector<Report> reports;
  for (const auto& [assignment, attempt] : attempts_) {
    if (attempt->phase() == JobPhase::kAccepting) continue;  // not durable: nobody was told
    reports.push_back({assignment, Reported(attempt->phase()), attempt->TraceBytes()});
  }
  return reports;
}

void JobTable::BeginSession() {
  Drain(false);
  for (const auto& [assignment, attempt] : attempts_) attempt->NewSession();
}

void JobTable::Apply(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::kGoOn:
      return context_.traces.ResumeAt(verdict.assignment, verdict.trace_offset);
    case Verdict::Kind::kStart:
      return;  // a JobStart follows
    case Verdict::Kind::kForget:
    case Verdict::Kind::kRevoke:
      return Forget(verdict.assignment);
  }
}

void JobTable::SetLease(absl::Duration deadline) {
  lease_ = deadline;
  for (const auto& [assignment, attempt] : attempts_) attempt->SetLease(deadline);
}

void JobTable::Abandon() {
  sweeper_.Stop();
  counter_.Stop();
  for (const auto& [assignment, attempt] : attempts_) attempt->Abandon();
}

}  // namespace grange::job
