// What becomes of an attempt once its script has ended: its artifacts, its result, and their way to the
// coordinator.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/job/attempt.h"
#include "agent/workspace/kept_folders.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"
#include "common/text/expand.h"

namespace grange::job {
namespace {

// So much of a trace may be hashed on the loop's thread; more goes to a worker.
constexpr uint64_t kHashHereMax = 1 << 20;
constexpr absl::Duration kJournalRetry = absl::Seconds(5);
constexpr absl::Duration kSyncWithin = absl::Seconds(1);

using Kind = trace::Record::Kind;

bool WantsArtifacts(const ArtifactOutput& output, EndReason reason) {
  if (output.paths.empty()) return false;
  if (reason != EndReason::kSuccess && reason != EndReason::kScriptFailure &&
      reason != EndReason::kTimeout && reason != EndReason::kTraceLimit &&
      reason != EndReason::kMemoryLimit && reason != EndReason::kPidsLimit) {
    return false;
  }
  switch (output.when) {
    case ArtifactOutput::When::kAlways:
      return true;
    case ArtifactOutput::When::kOnSuccess:
      return reason == EndReason::kSuccess;
    case ArtifactOutput::When::kOnFailure:
      return reason != EndReason::kSuccess;
  }
  return false;
}

// The script of this job has failed on a full disk.
void NoteFullDisk(const std::optional<DiskUse>& largest, JobResult& result) {
  const absl::string_view separator = result.detail.empty() ? "" : "; ";
  if (!largest.has_value()) {
    absl::StrAppend(&result.detail, separator, "the agent's disk was full when it ended");
    return;
  }
  result.reason = EndReason::kAgentDiskFull;
  absl::StrAppend(&result.detail, separator, "its script failed when the agent's disk was full, ",
                  "and it had written the most: ", largest->written() >> 20, " MiB into its ",
                  largest->into_work_tree() ? "work tree" : "log",
                  "; let it write less, or give the agent a larger disk");
}

}  // namespace

void Attempt::OnShimEnded(const std::optional<exec::ShimResult>& shim_result) {
  // Called from within the shim's object: it goes a turn later.
  if (shim_ != nullptr) context_.loop.Post([shim = std::move(shim_)] {});
  DropFiles();
  if (forget_) return BecomeGone();
  if (!shim_result.has_value()) {
    return Finish(ResultOf(EndReason::kSupervisorDied,
                           "the job's supervisor was killed, and the job with it"));
  }
  JobResult result = ResultOf(*shim_result);
  if (result.reason != EndReason::kScriptFailure) return FinishOrStore(std::move(result));
  // A program that the full disk stopped fails like any other; who has filled it should hear so.
  context_.disk->Judge(assignment_,
                       [self = shared_from_this(), result = std::move(result)](
                           bool is_full, const std::optional<DiskUse>& largest) mutable {
                         if (self->forget_) return self->BecomeGone();
                         if (is_full) NoteFullDisk(largest, result);
                         self->FinishOrStore(std::move(result));
                       });
}

void Attempt::FinishOrStore(JobResult result) {
  if (!WantsArtifacts(spec_.artifacts_out, result.reason)) return Finish(std::move(result));
  if (Move(JobEvent::kShimEnded)) StoreArtifacts(std::move(result));
}

// While it holds its slot: the next job there may have files in the same place.
void Attempt::DropFiles() {
  const absl::Status removed = os::RemoveTree(FilesDir());
  if (!removed.ok()) log::Error("secret_files_left", {{"job", assignment_}, {"why", removed}});
}

// Before its slot is given up. Until then nobody asks.
void Attempt::NoteUseOfFolders() const {
  for (const std::string& path : KeptFolders()) workspace::NoteUse(path);
}

void Attempt::StoreArtifacts(JobResult result) {
  context_.traces.Grown(assignment_);
  context_.hub.Note(assignment_, "uploading artifacts");
  ArtifactOutput output = spec_.artifacts_out;
  // Paths may name variables; secrets have no place in a file's name.
  const absl::StatusOr<JobEnvironment> environment = BuildJobEnvironment(spec_, {}, Place());
  const auto look_up = [&](absl::string_view name) -> std::optional<std::string> {
    if (!environment.ok()) return std::nullopt;
    for (absl::string_view entry : environment->variables) {
      if (absl::ConsumePrefix(&entry, name) && absl::ConsumePrefix(&entry, "=")) {
        return std::string(entry);
      }
    }
    return std::nullopt;
  };
  for (std::string& path : output.paths) path = text::Expand(path, look_up, text::Unknown::kKeep);
  for (std::string& path : output.exclude) {
    path = text::Expand(path, look_up, text::Unknown::kKeep);
  }
  output.name = text::Expand(output.name, look_up, text::Unknown::kKeep);
  const Workbench::Folders folders = Folders();
  context_.workers.Run([self = shared_from_this(), result = std::move(result),
                        output = std::move(output), folders]() mutable {
    const Workbench::Stored stored = self->context_.workbench.Store(
        self->assignment_, output, folders, Workbench::TryFor(self->spec_), self->cancellation_);
    result.artifact_id = stored.artifact_id;
    result.artifact_error = stored.error;
    if (stored.failed && result.reason == EndReason::kSuccess) {
      result.reason = EndReason::kArtifactsFailed;
      result.detail = stored.error;
    }
    self->context_.loop.Post([self, result = std::move(result)]() mutable {
      if (self->forget_) return self->BecomeGone();
      // What is stored whole was in time; a person's cancel counts all the same.
      const bool cut = self->drained_ && result.artifact_id.empty();
      if (self->cancel_ || cut) result.reason = self->StoppedResult().reason;
      self->Finish(std::move(result));
    });
  });
}

// From here on the attempt has ended; what is left is its trace's checksum and the record.
void Attempt::Finish(JobResult result) {
  if (finishing_ || phase_ == JobPhase::kFinished || phase_ == JobPhase::kGone) return;
  finishing_ = true;
  result.detail = Masked(std::move(result.detail));
  result.artifact_error = Masked(std::move(result.artifact_error));
  DropFiles();
  // A machine that went down may have lost the end of the log: the result speaks of what is there.
  result.trace_bytes = TraceBytes();
  context_.traces.Open(assignment_, LogPath(), 0, MarksPath());
  std::optional<std::string> digest =
      context_.traces.Digest(assignment_, result.trace_bytes, kHashHereMax);
  if (digest.has_value()) {
    result.trace_sha256 = *std::move(digest);
    return FinishHashed(std::move(result));
  }
  context_.workers.Run([self = shared_from_this(), result = std::move(result)]() mutable {
    const absl::StatusOr<std::string> hash = trace::HashFile(self->LogPath(), result.trace_bytes);
    if (!hash.ok()) {
      log::Error("log_unreadable", {{"job", self->assignment_}, {"error", hash.status()}});
      result.trace_bytes = 0;
    }
    result.trace_sha256 = hash.ok() ? *hash : os::Sha256Of("");
    self->context_.loop.Post(
        [self, result = std::move(result)]() mutable { self->FinishHashed(std::move(result)); });
  });
}

std::string Attempt::Masked(std::string text) const {
  return mask_.has_value() ? mask_->Apply(text) : text;
}

void Attempt::FinishHashed(JobResult result) {
  if (forget_) return BecomeGone();
  WriteResult(std::move(result));
}

void Attempt::WriteResult(JobResult result) {
  const std::string text = EncodeResult(result);
  context_.journal.Append(
      {Kind::kFinished, assignment_, text},
      [self = shared_from_this(), result = std::move(result)](const absl::Status& durable) {
        if (self->phase_ == JobPhase::kGone) return;
        if (self->forget_) return self->BecomeGone();
        if (!durable.ok()) {
          log::Error("result_not_durable", {{"job", self->assignment_}, {"error", durable}});
          self->context_.loop.After(kJournalRetry, [self, result] { self->WriteResult(result); });
          return;
        }
        self->NoteUseOfFolders();
        if (!self->Move(JobEvent::kResult)) return;
        log::Info("job_finished", {{"job", self->assignment_},
                                   {"reason", EndReasonName(result.reason)},
                                   {"exit_code", result.exit_code},
                                   {"trace_bytes", result.trace_bytes}});
        self->SyncLogLater(result);
        self->result_ = result;
        self->context_.traces.Ended(self->assignment_, result.trace_bytes,
                                    [attempt = self.get()] { attempt->SendResult(); });
      });
}

// A job's shim syncs its log once a second; the last words of a short job are left to us. Mostly
// the coordinator has them durably before their time has come.
void Attempt::SyncLogLater(const JobResult& result) {
  if (result.duration >= kSyncWithin || result.trace_bytes == 0) return;
  context_.loop.After(kSyncWithin, [self = weak_from_this()] {
    const std::shared_ptr<Attempt> attempt = self.lock();
    if (attempt == nullptr || attempt->phase_ != JobPhase::kFinished) return;
    attempt->context_.workers.Run([path = attempt->LogPath()] {
      const os::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (file.is_open() && ::fdatasync(file.get()) != 0) {
        log::Error("log_not_synced", {{"why", os::ErrnoStatus(errno, "cannot sync", path)}});
      }
    });
  });
}

// Called by the trace sender when the whole trace is on its way: a result that overtook it would
// only make the coordinator ask for the rest.
void Attempt::SendResult() {
  if (result_sent_ || !result_.has_value() || phase_ != JobPhase::kFinished) return;
  result_sent_ = true;
  context_.hub.Finished(assignment_, *result_);
}

}  // namespace grange::job
