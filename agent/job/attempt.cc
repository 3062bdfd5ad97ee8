#include "agent/job/attempt.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/job/job_limits.h"
#include "agent/job/script_text.h"
#include "agent/shim/output_marks.h"
#include "agent/workspace/git_mirrors.h"
#include "agent/workspace/owner.h"
#include "agent/workspace/work_tree.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::job {
namespace {

using Kind = trace::Record::Kind;

uint64_t FileSize(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

workspace::Owner OwnerOf(const exec::JobAccount& account) {
  return {.uid = account.ids.uid, .gid = account.ids.gid};
}

// The text of the accepted record: the slot in decimal, a line feed, the spec as it came.
std::string AcceptedPayload(int slot, const std::string& spec_bytes) {
  return absl::StrCat(slot, "\n", spec_bytes);
}

}  // namespace

Attempt::Attempt(const AttemptContext& context, const Assignment& assignment, JobSpec spec,
                 int slot)
    : context_(context),
      assignment_(assignment),
      spec_(std::move(spec)),
      slot_(slot),
      job_dir_(absl::StrCat(context.settings.state_dir, "/jobs/", assignment.job.value(), "-",
                            assignment.attempt)) {}

bool Attempt::Move(JobEvent event) {
  const absl::StatusOr<JobPhase> next = NextPhase(phase_, event);
  if (!next.ok()) {
    log::Debug("job_event_ignored", {{"job", assignment_}, {"why", next.status()}});
    return false;
  }
  phase_ = *next;
  return true;
}

std::string Attempt::WorkTree() const {
  return workspace::WorkTreePath(os::JoinPath(context_.settings.state_dir, "workspaces"), slot_,
                                 spec_.sources);
}
std::string Attempt::LogPath() const { return os::JoinPath(job_dir_, "log"); }
std::string Attempt::MarksPath() const { return os::JoinPath(job_dir_, "marks"); }
// The job's folder is closed to a user of the job's own. No project's work tree has such a name.
std::string Attempt::FilesDir() const {
  if (Account() == nullptr) return os::JoinPath(job_dir_, "files");
  return absl::StrCat(context_.settings.state_dir, "/workspaces/", slot_, "/.files");
}
std::string Attempt::HomeDir() const {
  const std::string& home = Account()->home;
  struct stat info {};
  const bool usable = !home.empty() && ::stat(home.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
                      info.st_uid == Account()->ids.uid;
  if (usable) return home;
  return OwnHomeDir();
}
std::string Attempt::OwnHomeDir() const {
  return absl::StrCat(context_.settings.state_dir, "/workspaces/", slot_, "/.home");
}
std::vector<std::string> Attempt::KeptFolders() const {
  return {WorkTree(), workspace::IndexAside(WorkTree()), OwnHomeDir(),
          workspace::MirrorPath(os::JoinPath(context_.settings.state_dir, "mirrors"),
                                spec_.sources.project)};
}
const exec::JobAccount* Attempt::Account() const {
  const std::vector<exec::JobAccount>& accounts = context_.settings.accounts;
  if (accounts.empty()) return nullptr;
  // A slot that this agent doesn't have any more still has a user, though not of its own.
  return &accounts[static_cast<size_t>(std::max(slot_, 0)) % accounts.size()];
}
Workbench::Folders Attempt::Folders() const {
  Workbench::Folders folders{WorkTree(), job_dir_};
  if (const exec::JobAccount* const account = Account()) folders.owner = OwnerOf(*account);
  return folders;
}
uint64_t Attempt::TraceBytes() const { return FileSize(LogPath()); }

JobPlace Attempt::Place() const {
  const AgentSettings& s = context_.settings;
  std::vector<std::string> environment = s.environment;  // later ones win
  if (const exec::JobAccount* const account = Account()) {
    environment.push_back(absl::StrCat("HOME=", HomeDir()));
    environment.push_back(absl::StrCat("USER=", account->name));
    environment.push_back(absl::StrCat("LOGNAME=", account->name));
  }
  return {.assignment = assignment_,
          .agent = s.agent,
          .agent_name = s.name,
          .agent_tags = s.tags,
          .server = s.server,
          .slot = slot_,
          .project_dir = WorkTree(),
          .builds_dir = absl::StrCat(s.state_dir, "/workspaces/", slot_),
          .files_dir = FilesDir(),
          .agent_environment = std::move(environment)};
}

void Attempt::Accept(const std::string& spec_bytes) {
  if (const absl::Status made = os::MakeDirs(job_dir_); !made.ok()) {
    context_.hub.Declined(assignment_, std::string(made.message()));
    BecomeGone();
    return;
  }
  context_.journal.Append({Kind::kAccepted, assignment_, AcceptedPayload(slot_, spec_bytes)},
                          [self = shared_from_this()](const absl::Status& durable) {
                            if (!durable.ok()) {
                              self->context_.hub.Declined(self->assignment_,
                                                          std::string(durable.message()));
                              self->BecomeGone();
                              return;
                            }
                            if (!self->Move(JobEvent::kAcceptDurable)) return;
                            if (self->stopped()) return self->Finish(self->StoppedResult());
                            self->context_.hub.Accepted(self->assignment_);
                          });
}

void Attempt::Start(JobSecrets secrets) {
  if (finishing_ || !Move(JobEvent::kStart)) return;
  secrets_ = std::move(secrets);
  const Workbench::Folders folders = Folders();
  if (Workbench::IsQuick(spec_)) {
    return OnPrepared(context_.workbench.Prepare(assignment_, spec_, folders, cancellation_));
  }
  context_.hub.Note(assignment_, "fetching sources");
  context_.workers.Run([self = shared_from_this(), folders] {
    Workbench::Prepared prepared = self->context_.workbench.Prepare(self->assignment_, self->spec_,
                                                                    folders, self->cancellation_);
    self->context_.loop.Post(
        [self, prepared = std::move(prepared)] { self->OnPrepared(prepared); });
  });
}

void Attempt::OnPrepared(const Workbench::Prepared& prepared) {
  if (forget_) return BecomeGone();
  if (phase_ != JobPhase::kPreparing) return;
  exec::ShimRun run;
  EndReason reason = prepared.reason;
  absl::Status ready = prepared.status;
  std::string text = prepared.text;
  if (secrets_.has_value()) mask_.emplace(*secrets_);
  if (ready.ok() && !stopped()) {
    ready = MakeRun(prepared.text, run);
    reason = EndReason::kPrepareFailed;
    if (!ready.ok()) absl::StrAppend(&text, "ERROR: ", ready.message(), "\n");
  }
  secrets_.reset();
  if (stopped() || !ready.ok()) {
    // No shim will write the log: what there is to say is said here.
    text = Masked(std::move(text));
    if (!text.empty()) shim::OutputMarks(MarksPath(), 0).Note(0, shim::UnixMillis());
    const absl::Status written = os::WriteFile(LogPath(), text);
    if (!written.ok()) log::Warning("log_not_written", {{"job", assignment_}, {"why", written}});
    return Finish(stopped() ? StoppedResult() : ResultOf(reason, ready.message()));
  }
  if (spec_.stop_on_disconnect && (!lease_.has_value() || *lease_ <= context_.clock.SinceBoot())) {
    return Finish(ResultOf(EndReason::kLeaseLost,
                           "the connection to the coordinator was lost "
                           "before the script could start"));
  }
  if (!Move(JobEvent::kPrepared)) return;
  context_.journal.Append(
      {Kind::kStarting, assignment_, exec::BootId()},
      [self = shared_from_this(), run = std::move(run)](const absl::Status& durable) mutable {
        if (!durable.ok()) {
          return self->Finish(ResultOf(EndReason::kAgentDiskFull, durable.message()));
        }
        if (self->forget_) return self->BecomeGone();
        if (self->stopped()) return self->Finish(self->StoppedResult());
        self->Launch(std::move(run));
      });
}

absl::Status Attempt::MakeRun(const std::string& prefix, exec::ShimRun& run) {
  const JobSecrets none;
  GRANGE_ASSIGN_OR_RETURN(
      JobEnvironment environment,
      BuildJobEnvironment(spec_, secrets_.has_value() ? *secrets_ : none, Place()));
  if (Account() != nullptr) GRANGE_RETURN_IF_ERROR(os::RemoveTree(FilesDir()));
  if (!environment.files.empty()) GRANGE_RETURN_IF_ERROR(os::MakeDirs(FilesDir()));
  for (const VariableFile& file : environment.files) {
    GRANGE_RETURN_IF_ERROR(os::WriteFile(file.path, file.content.Open()));
  }
  run.script = ScriptText(spec_.script);
  if (!spec_.after_script.empty()) run.after_script = ScriptText(spec_.after_script);
  run.env = std::move(environment.variables);
  run.masks = std::move(environment.masks);
  run.cwd = WorkTree();
  run.timeout = spec_.timeout;
  run.after_script_timeout = spec_.after_script_timeout;
  run.trace_limit_bytes = spec_.trace_limit_bytes;
  run.stop_on_disconnect = spec_.stop_on_disconnect;
  run.trace_prefix = prefix;
  run.sync_log = true;
  run.fail_at_trace_limit = spec_.fail_at_trace_limit;
  run.disk_patience = context_.settings.disk.fail_after;
  run.no_new_privs = context_.settings.no_new_privs;
  GRANGE_RETURN_IF_ERROR(BecomeUser(run));
  return Confine(run);
}

// What the job's user must be able to read and write becomes its own.
absl::Status Attempt::BecomeUser(exec::ShimRun& run) {
  const exec::JobAccount* const account = Account();
  if (account == nullptr) return absl::OkStatus();
  if (static_cast<size_t>(slot_) >= context_.settings.accounts.size()) {
    return absl::FailedPreconditionError(absl::StrCat("slot ", slot_, " has no user (--run-as)"));
  }
  run.user = account->ids;
  const workspace::Owner owner = OwnerOf(*account);
  if (os::Exists(FilesDir())) GRANGE_RETURN_IF_ERROR(workspace::GiveTree(FilesDir(), owner));
  const std::string home = HomeDir();
  return home == account->home ? absl::OkStatus() : workspace::MakeOwnedDir(home, owner);
}

// The limits of the job; what can't be done is said at the head of its log.
absl::Status Attempt::Confine(exec::ShimRun& run) {
  const AgentSettings& settings = context_.settings;
  const LimitPlan plan = PlanLimits(spec_.limits, settings.limits, settings.cgroups.WhyNoMemory(),
                                    settings.cgroups.WhyNoPids());
  run.trace_prefix = plan.text + run.trace_prefix;
  if (!plan.limits.any()) return absl::OkStatus();
  GRANGE_ASSIGN_OR_RETURN(run.cgroup, settings.cgroups.Make(job_dir_, plan.limits));
  return absl::OkStatus();
}

exec::ShimProcess::Callbacks Attempt::ShimCallbacks() {
  return {.on_output =
              [self = weak_from_this()] {
                if (const auto attempt = self.lock()) {
                  attempt->context_.traces.Grown(attempt->assignment_);
                }
              },
          .on_end =
              [self = weak_from_this()](std::optional<exec::ShimResult> result) {
                if (const auto attempt = self.lock()) attempt->OnShimEnded(result);
              }};
}

void Attempt::Launch(exec::ShimRun run) {
  // With the run and not after it: an agent that dies in between must not leave a job that is to
  // stop without a time to stop at.
  if (lease_.has_value()) run.lease_until = *lease_;
  absl::StatusOr<std::unique_ptr<exec::ShimProcess>> shim = exec::ShimProcess::Launch(
      context_.loop, context_.settings.shim_program, job_dir_, run, ShimCallbacks());
  if (!shim.ok()) {
    log::Error("shim_not_started", {{"job", assignment_}, {"error", shim.status()}});
    return Finish(ResultOf(EndReason::kPrepareFailed, shim.status().message()));
  }
  if (!Move(JobEvent::kLaunched)) return;
  Running(*std::move(shim));
  context_.hub.Started(assignment_);
  context_.traces.Open(assignment_, LogPath(), 0, MarksPath());
  log::Info("job_started", {{"job", assignment_}, {"name", spec_.name}, {"slot", slot_}});
}

void Attempt::Running(std::unique_ptr<exec::ShimProcess> shim) {
  shim_ = std::move(shim);
  began_at_ = exec::StartedAt(shim_->key());
  if (lease_.has_value()) shim_->ExtendLease(*lease_);
  if (forget_) shim_->Cancel(absl::ZeroDuration(), /*force=*/true);
  if (context_.disk->OnRunning()) shim_->Pause(true);
}

void Attempt::PauseOutput(bool on) {
  if (shim_ != nullptr) shim_->Pause(on);
}

void Attempt::FailAsLargest(const DiskUse& use) {
  if (shim_ == nullptr) return;
  log::Warning("job_filled_disk", {{"job", assignment_},
                                   {"log_bytes", use.spool_bytes},
                                   {"work_tree_bytes", use.work_tree_bytes}});
  shim_->FailDiskFull(use.written(), use.into_work_tree());
}

DiskPlace Attempt::PlaceOnDisk() const {
  DiskPlace place{.assignment = assignment_, .runs = false, .folder = job_dir_, .work_tree = ""};
  if (began_at_ == absl::ZeroDuration() || !holds_slot()) return place;
  place.runs = shim_ != nullptr;
  place.work_tree = WorkTree();
  place.began_at = context_.clock.Now() - (context_.clock.SinceBoot() - began_at_);
  return place;
}

void Attempt::SetLease(absl::Duration deadline) {
  lease_ = deadline;
  if (shim_ != nullptr) shim_->ExtendLease(deadline);
}

void Attempt::Cancel(absl::Duration grace, bool force) {
  if (IsOver()) return;
  cancel_ = true;
  if (shim_ != nullptr) shim_->Cancel(grace, force);
  StopWork();
}

void Attempt::EndForDrain(absl::Duration grace) {
  if (IsOver()) return;
  drained_ = true;
  if (shim_ != nullptr) shim_->EndForDrain(grace);
  StopWork();
}

void Attempt::StopWork() {
  switch (phase_) {
    case JobPhase::kAccepted:
      return Finish(StoppedResult());
    case JobPhase::kPreparing:
    case JobPhase::kUploading:
      return cancellation_.Cancel();  // its end is reported by the worker
    case JobPhase::kAccepting:        // these two look at it when the journal answers
    case JobPhase::kStarting:
    case JobPhase::kRunning:
    case JobPhase::kFinished:
    case JobPhase::kGone:
      return;
  }
}

JobResult Attempt::StoppedResult() const {
  if (cancel_) return ResultOf(EndReason::kCanceled, "");
  return ResultOf(EndReason::kAgentDrained, "the agent was to have no jobs any more");
}

void Attempt::Forget() {
  if (phase_ == JobPhase::kGone) return;
  forget_ = true;
  cancellation_.Cancel();
  if (phase_ == JobPhase::kRunning && shim_ != nullptr) {
    return shim_->Cancel(absl::ZeroDuration(), /*force=*/true);
  }
  // A worker still writes into the folder, or the journal is asked: they come back here.
  if (phase_ == JobPhase::kPreparing || phase_ == JobPhase::kStarting ||
      phase_ == JobPhase::kUploading) {
    return;
  }
  BecomeGone();
}

void Attempt::BecomeGone() {
  if (phase_ == JobPhase::kGone) return;
  if (holds_slot()) {
    DropFiles();
    NoteUseOfFolders();
  }
  phase_ = JobPhase::kGone;
  const absl::Status noted = context_.journal.AppendLazily({Kind::kForgotten, assignment_, ""});
  if (!noted.ok()) log::Warning("not_noted_as_forgotten", {{"job", assignment_}, {"why", noted}});
  context_.traces.Close(assignment_);
  secrets_.reset();
  if (on_gone_) on_gone_();
}

void Attempt::Recover(const std::vector<trace::Record>& records) {
  phase_ = JobPhase::kAccepted;
  std::string boot_id;
  const std::string* result = nullptr;  // the last one: an earlier one was corrected by it
  for (const trace::Record& record : records) {
    if (record.kind == Kind::kFinished) result = &record.payload;
    if (record.kind == Kind::kStarting) {
      phase_ = JobPhase::kStarting;
      boot_id = record.payload;
    }
  }
  if (result != nullptr) return RecoverResult(*result);
  if (phase_ == JobPhase::kStarting) RecoverRun(boot_id);
}

void Attempt::RecoverResult(const std::string& text) {
  phase_ = JobPhase::kRunning;
  absl::StatusOr<JobResult> result = DecodeResult(text);
  if (!result.ok()) {
    log::Error("result_damaged", {{"job", assignment_}, {"error", result.status()}});
    return Finish(ResultOf(EndReason::kAgentCrash, "the record of its result is damaged"));
  }
  context_.traces.Open(assignment_, LogPath(), std::nullopt, MarksPath());
  // Lost with the machine: the result must not promise bytes that no one can send.
  if (TraceBytes() != result->trace_bytes) return Finish(*std::move(result));
  phase_ = JobPhase::kFinished;
  result_ = *std::move(result);
  context_.traces.Ended(assignment_, result_->trace_bytes, [this] { SendResult(); });
}

// The script may have been started, so it never is again: either its shim is found, or what it
// has left.
void Attempt::RecoverRun(const std::string& boot_id) {
  context_.traces.Open(assignment_, LogPath(), std::nullopt, MarksPath());
  const bool same_boot = boot_id == exec::BootId();
  const absl::StatusOr<exec::ProcessKey> key = exec::FindShim(job_dir_);
  if (same_boot && key.ok()) {
    absl::StatusOr<std::unique_ptr<exec::ShimProcess>> shim =
        exec::ShimProcess::Adopt(context_.loop, job_dir_, *key, ShimCallbacks());
    if (shim.ok()) {
      phase_ = JobPhase::kRunning;
      log::Info("job_adopted", {{"job", assignment_}, {"pid", key->pid}});
      if (absl::Status set = context_.settings.cgroups.Renew(job_dir_); !set.ok()) {
        log::Error("job_runs_without_limits", {{"job", assignment_}, {"why", set}});
      }
      return Running(*std::move(shim));
    }
    if (!absl::IsNotFound(shim.status())) {
      log::Error("shim_not_adopted", {{"job", assignment_}, {"error", shim.status()}});
    }
  }
  const absl::StatusOr<exec::ShimResult> left = exec::ReadShimResult(job_dir_);
  if (key.ok() && left.ok()) {
    phase_ = JobPhase::kRunning;
    return OnShimEnded(*left);
  }
  if (!same_boot) {
    return Finish(ResultOf(EndReason::kHostRestart, "the agent's machine was restarted"));
  }
  if (key.ok()) return OnShimEnded(std::nullopt);
  Finish(ResultOf(EndReason::kAgentCrash, "the agent died while the job was being started"));
}

}  // namespace grange::job
