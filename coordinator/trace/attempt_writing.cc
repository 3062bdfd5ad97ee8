#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "coordinator/trace/trace_path.h"
#include "coordinator/trace/trace_writer.h"

// What TraceWriter's thread does with each command.
namespace grange::trace {
namespace {

// Syncs are at least so many times their own length apart, until `sync_every`.
constexpr int kSyncShare = 10;
// A mark is sent just before the bytes behind it; these are at most a window ahead of what is here.
constexpr uint64_t kMarksAheadMax = 64 << 20;

}  // namespace

void TraceWriter::Do(PrepareFile& command) {
  if (attempts_.count(command.key) > 0) return;
  const absl::StatusOr<Attempt*> attempt =
      OpenFile(command.key, std::numeric_limits<uint64_t>::max());
  // The first chunk tries again and tells its sender.
  if (!attempt.ok()) log::Warning("trace_not_prepared", {{"error", attempt.status()}});
}

void TraceWriter::Do(AppendBytes& command) {
  const Key key(command.assignment.job, command.assignment.attempt);
  std::optional<store::AttemptRow> over;
  const absl::StatusOr<Attempt*> found = OpenAttempt(key, &over);
  if (!found.ok()) return command.sender->Failed(command.assignment, found.status());
  if (*found == nullptr) return command.sender->Ack(command.assignment, over->trace_bytes);
  Attempt& attempt = **found;
  attempt.assignment = command.assignment;
  attempt.sender = std::move(command.sender);
  if (attempt.stalled) return;  // it comes again after a Resume
  const uint64_t have = attempt.file.size();
  if (command.offset > have) return AskFrom(attempt, have);
  const uint64_t known = have - command.offset;
  if (command.bytes.size() <= known) {
    // Sent twice: the first acknowledgement may have been lost with its stream.
    if (attempt.committed >= command.offset + command.bytes.size()) {
      attempt.sender->Ack(attempt.assignment, attempt.committed);
    }
    return;
  }
  if (!options_.may_write()) {
    return Stall(attempt, absl::ResourceExhaustedError("the coordinator's disk is full"));
  }
  const absl::Status written = attempt.file.Append(absl::string_view(command.bytes).substr(known));
  if (!written.ok()) return Stall(attempt, written);
  attempt.resumed_at.reset();
  MarkUnsynced(attempt);
  if (have == 0) fresh_.insert(&attempt);
  unsynced_bytes_ += command.bytes.size() - known;
  grown_.insert(key);
  if (attempt.finish.has_value()) CheckFinish(attempt);
}

void TraceWriter::Do(KeepMark& command) {
  const Key key(command.assignment.job, command.assignment.attempt);
  std::optional<store::AttemptRow> over;
  const absl::StatusOr<Attempt*> found = OpenAttempt(key, &over);
  if (!found.ok() || *found == nullptr) return;  // the bytes are answered
  Attempt& attempt = **found;
  // Those that stand before bytes that are refused come again with them.
  if (attempt.stalled || !options_.may_write()) return;
  if (command.mark.offset > attempt.file.size() + kMarksAheadMax) return;
  const absl::Status kept = AddMark(attempt, command.mark);
  if (!kept.ok() && !std::exchange(attempt.marks_fail, true)) {
    log::Warning("trace_mark_not_kept", {{"attempt", command.assignment}, {"error", kept}});
  }
}

absl::Status TraceWriter::AddMark(Attempt& attempt, const Mark& mark) {
  if (!attempt.marks.has_value()) {
    GRANGE_ASSIGN_OR_RETURN(
        attempt.marks,
        MarkFile::Open(MarksPathOf(options_.dir, attempt.key.first, attempt.key.second)));
  }
  return attempt.marks->Add(mark);
}

void TraceWriter::Do(FinishTrace& command) {
  const Key key(command.assignment.job, command.assignment.attempt);
  std::optional<store::AttemptRow> over;
  const absl::StatusOr<Attempt*> found = OpenAttempt(key, &over);
  if (!found.ok()) return command.done(found.status());
  if (*found == nullptr) {
    return command.done(End{.trace_bytes = over->trace_bytes,
                            .sha256 = over->trace_sha256,
                            .damaged = over->trace_damaged,
                            .marks_bytes = MarksBytes(key)});
  }
  Attempt& attempt = **found;
  attempt.assignment = command.assignment;
  attempt.sender = command.sender;
  attempt.finish = std::move(command);
  attempt.finish_told = false;
  attempt.resumed_at.reset();
  CheckFinish(attempt);
}

void TraceWriter::Do(CompleteTrace& command) { Close(command.key); }

void TraceWriter::Do(AbandonTrace& command) {
  std::optional<store::AttemptRow> over;
  const absl::StatusOr<Attempt*> found = OpenAttempt(command.key, &over);
  if (!found.ok() || *found == nullptr) return Close(command.key);
  Attempt& attempt = **found;
  std::optional<FinishTrace> finish = std::move(attempt.finish);
  attempt.finish.reset();
  absl::Status stored = SyncOne(attempt);
  const absl::StatusOr<std::string> digest = attempt.file.Digest();
  if (stored.ok()) stored = digest.status();
  if (stored.ok()) {
    store::PutTraceEnd end;
    end.job = command.key.first;
    end.attempt = command.key.second;
    end.trace_bytes = attempt.file.size();
    end.sha256 = *digest;
    end.marks_bytes = MarksBytes(command.key);
    std::vector<store::Write> writes;
    writes.emplace_back(std::move(end));
    stored = store_.Commit(writes);
  }
  // What there is stays; the next start finds the attempt open and keeps what the database knows.
  if (!stored.ok()) log::Warning("trace_end_not_stored", {{"error", stored}});
  Close(command.key);
  if (finish.has_value()) {
    finish->done(absl::AbortedError(
        absl::StrCat(finish->assignment.ToString(), " is over; its result comes too late")));
  }
}

void TraceWriter::Do(NoteCompressed& command) {
  compressed_.push_back({.key = command.key, .stored = command.bytes});
  sync_at_ = std::min(sync_at_, clock_.SinceBoot() + options_.sync_every);
}

absl::StatusOr<TraceWriter::Attempt*> TraceWriter::OpenAttempt(
    const Key& key, std::optional<store::AttemptRow>* over) {
  const auto found = attempts_.find(key);
  if (found != attempts_.end()) return found->second.get();
  GRANGE_ASSIGN_OR_RETURN(store::AttemptRow row, store_.GetAttempt(key.first, key.second));
  if (!row.trace_complete) return OpenFile(key, row.trace_bytes);
  *over = std::move(row);
  return nullptr;
}

// A new file's name is durable before its first bytes are promised: SyncOne() waits for it.
absl::StatusOr<TraceWriter::Attempt*> TraceWriter::OpenFile(const Key& key, uint64_t length) {
  const std::string folder = FolderOf(options_.dir, key.first);
  const std::string path = PathOf(options_.dir, key.first, key.second);
  if (folders_.count(folder) == 0) {
    GRANGE_RETURN_IF_ERROR(os::MakeDirs(folder));
    if (options_.sync) GRANGE_RETURN_IF_ERROR(os::SyncDir(options_.dir));
    folders_.insert(folder);
  }
  const bool is_new = !os::Exists(path);
  GRANGE_ASSIGN_OR_RETURN(TraceFile file, TraceFile::Open(path, length));
  std::unique_ptr<Attempt>& attempt = attempts_[key];
  attempt = std::make_unique<Attempt>(key, std::move(file));
  if (is_new && options_.sync) attempt->name_ticket = folder_syncer_.Request(folder);
  base::MutexLock lock(mu_);
  visible_[key] = attempt->file.size();
  return attempt.get();
}

void TraceWriter::Close(const Key& key) {
  const auto found = attempts_.find(key);
  if (found != attempts_.end()) {
    ForgetUnsynced(*found->second);
    stalled_.erase(found->second.get());
    attempts_.erase(found);
    base::MutexLock lock(mu_);
    visible_.erase(key);
    paused_.erase(key);
  }
  grown_.erase(key);
  watchers_.Tell(key);
  compressor_.Add(PathOf(options_.dir, key.first, key.second), [this, key](uint64_t bytes) {
    Push(nullptr, key, 0, NoteCompressed{.key = key, .bytes = bytes + MarksBytes(key)});
  });
}

uint64_t TraceWriter::MarksBytes(const Key& key) const {
  struct stat info {};
  const std::string path = MarksPathOf(options_.dir, key.first, key.second);
  return ::stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

void TraceWriter::AskFrom(Attempt& attempt, uint64_t offset) {
  if (attempt.resumed_at == offset && attempt.resumed_sender == attempt.sender.get()) return;
  attempt.resumed_at = offset;
  attempt.resumed_sender = attempt.sender.get();
  if (attempt.sender != nullptr) attempt.sender->Resume(attempt.assignment, offset);
}

void TraceWriter::SetPaused(const Key& key, bool paused) {
  {
    base::MutexLock lock(mu_);
    if (paused) {
      paused_.insert(key);
    } else {
      paused_.erase(key);
    }
  }
  watchers_.Tell(key);
}

void TraceWriter::Stall(Attempt& attempt, const absl::Status& status) {
  attempt.stalled = true;
  stalled_.insert(&attempt);
  SetPaused(attempt.key, true);
  retry_at_ = std::min(retry_at_, clock_.SinceBoot() + options_.retry_every);
  log::Warning("trace_stalled", {{"attempt", attempt.assignment}, {"error", status}});
  if (absl::IsResourceExhausted(status) && options_.may_write()) options_.on_full(status);
  if (attempt.sender != nullptr) attempt.sender->Failed(attempt.assignment, status);
}

// Gives the answer of a Finish() if all that it needs is there and durable, or asks for the rest.
void TraceWriter::CheckFinish(Attempt& attempt) {
  FinishTrace& finish = *attempt.finish;
  if (attempt.stalled || attempt.finish_told) return;
  if (attempt.file.size() < finish.trace_bytes) return AskFrom(attempt, attempt.file.size());
  const absl::Status synced = SyncOne(attempt);
  if (!synced.ok()) return Stall(attempt, synced);
  const absl::StatusOr<std::string> digest = attempt.file.Digest();
  if (!digest.ok()) return Stall(attempt, digest.status());
  bool same = attempt.file.size() == finish.trace_bytes && *digest == finish.sha256;
  if (attempt.file.size() > finish.trace_bytes) {
    // A machine that went down lost the end of its copy; ours has it.
    const absl::StatusOr<std::string> front = attempt.file.DigestOfFirst(finish.trace_bytes);
    if (!front.ok()) return Stall(attempt, front.status());
    same = *front == finish.sha256;
  }
  if (!same && !attempt.asked_again) return StartAgain(attempt);
  if (!same) log::Error("trace_damaged", {{"attempt", attempt.assignment}});
  attempt.finish_told = true;
  ForgetUnsynced(attempt);  // the caller's last transaction has the length
  TellChanges();            // whoever hears of the end can read all of it
  finish.done(End{.trace_bytes = attempt.file.size(),
                  .sha256 = *digest,
                  .damaged = !same,
                  .marks_bytes = MarksBytes(attempt.key)});
}

// All over again, once. The database hears of it first: after a crash in between, a longer file is
// cut, while a shorter one would be a broken promise.
void TraceWriter::StartAgain(Attempt& attempt) {
  log::Warning("trace_hash_differs", {{"attempt", attempt.assignment}});
  std::vector<store::Write> writes;
  writes.emplace_back(
      store::PutTraceLength{.job = attempt.key.first, .attempt = attempt.key.second, .durable = 0});
  const absl::Status stored = store_.Commit(writes);
  if (!stored.ok()) return Stall(attempt, stored);
  attempt.committed = 0;
  attempt.asked_again = true;
  ForgetUnsynced(attempt);
  const absl::Status cut = attempt.file.CutTo(0);
  if (!cut.ok()) return Stall(attempt, cut);
  grown_.insert(attempt.key);
  AskFrom(attempt, 0);
  if (attempt.finish->trace_bytes == 0) CheckFinish(attempt);
}

absl::Status TraceWriter::SyncOne(Attempt& attempt) {
  if (!options_.sync) return absl::OkStatus();
  GRANGE_RETURN_IF_ERROR(attempt.file.Sync());
  if (attempt.name_ticket == 0 || attempt.file.size() == 0) return absl::OkStatus();
  const FolderSyncer::Ticket ticket = std::exchange(attempt.name_ticket, 0);
  if (folder_syncer_.Wait(ticket).ok()) return absl::OkStatus();
  const absl::Status again = os::SyncDir(FolderOf(options_.dir, attempt.key.first));
  if (!again.ok()) attempt.name_ticket = ticket;
  return again;
}

// As SyncOne(); an attempt whose bytes the disk does not take is stalled.
void TraceWriter::SyncOrStall(Attempt& attempt) {
  const absl::Status synced = SyncOne(attempt);
  if (synced.ok()) return;
  grown_.insert(attempt.key);
  unsynced_.erase(&attempt);
  Stall(attempt, synced);
}

// The first bytes of attempts, while nobody waits to have something written: those of a short job
// are all that it prints, and its result then need not wait for a sync.
void TraceWriter::SyncFresh() {
  while (!fresh_.empty()) {
    {
      base::MutexLock lock(mu_);
      if (!queue_.empty()) return;
    }
    SyncOrStall(*fresh_.extract(fresh_.begin()).value());
  }
}

// Group commit: every file that has grown, then all lengths in one transaction, then the
// acknowledgements.
void TraceWriter::SyncAll() {
  const absl::Duration started = clock_.SinceBoot();
  sync_at_ = absl::InfiniteDuration();
  unsynced_bytes_ = 0;
  group_of_.reset();
  group_is_shared_ = false;
  fresh_.clear();
  const std::vector<Attempt*> round(unsynced_.begin(), unsynced_.end());
  for (Attempt* attempt : round) SyncOrStall(*attempt);
  CommitLengths();
  last_sync_took_ = clock_.SinceBoot() - started;
}

void TraceWriter::CommitLengths() {
  if (unsynced_.empty() && compressed_.empty()) return;
  std::vector<store::Write> lengths;
  lengths.reserve(unsynced_.size() + compressed_.size());
  for (const store::TraceSize& size : compressed_) {
    lengths.emplace_back(store::PutTraceStored{
        .job = size.key.first, .attempt = size.key.second, .stored = size.stored});
  }
  for (const Attempt* attempt : unsynced_) {
    lengths.emplace_back(store::PutTraceLength{.job = attempt->key.first,
                                               .attempt = attempt->key.second,
                                               .durable = attempt->file.size()});
  }
  const absl::Status stored = store_.Commit(lengths);
  if (!stored.ok()) {
    // Nothing is acknowledged, nothing is dropped: the agents' windows close until it works again.
    log::Warning("trace_lengths_not_stored", {{"error", stored}});
    if (absl::IsResourceExhausted(stored)) options_.on_full(stored);
    sync_at_ = clock_.SinceBoot() + options_.retry_every;
    return;
  }
  for (Attempt* attempt : unsynced_) {
    attempt->committed = attempt->file.size();
    if (attempt->sender != nullptr) attempt->sender->Ack(attempt->assignment, attempt->committed);
  }
  unsynced_.clear();
  compressed_.clear();
}

// Nobody tells when a disk has space again, so it is looked for: only while something waits.
void TraceWriter::RetryStalled() {
  retry_at_ = absl::InfiniteDuration();
  const absl::StatusOr<uint64_t> free = os::FreeBytes(options_.dir);
  if (!options_.may_write() || (free.ok() && *free < options_.free_bytes_wanted)) {
    retry_at_ = clock_.SinceBoot() + options_.retry_every;
    return;
  }
  const std::set<Attempt*> stalled = std::exchange(stalled_, {});
  for (Attempt* attempt : stalled) {
    attempt->stalled = false;
    SetPaused(attempt->key, false);
    attempt->resumed_at.reset();
    if (attempt->finish.has_value() && attempt->file.size() >= attempt->finish->trace_bytes) {
      CheckFinish(*attempt);
    } else {
      AskFrom(*attempt, attempt->file.size());
    }
  }
}

void TraceWriter::MarkUnsynced(Attempt& attempt) {
  unsynced_.insert(&attempt);
  const absl::Duration delay = std::max(options_.sync_soonest, kSyncShare * last_sync_took_);
  sync_at_ = std::min(sync_at_, clock_.SinceBoot() + std::min(delay, options_.sync_every));
}

void TraceWriter::ForgetUnsynced(Attempt& attempt) {
  unsynced_.erase(&attempt);
  fresh_.erase(&attempt);
  if (unsynced_.empty() && compressed_.empty()) {
    sync_at_ = absl::InfiniteDuration();
    unsynced_bytes_ = 0;
  }
}

void TraceWriter::TellChanges() {
  if (grown_.empty()) return;
  const std::set<Key> grown = std::exchange(grown_, {});
  {
    base::MutexLock lock(mu_);
    for (const Key& key : grown) {
      const auto found = attempts_.find(key);
      if (found != attempts_.end()) visible_[key] = found->second->file.size();
    }
  }
  for (const Key& key : grown) watchers_.Tell(key);
}

}  // namespace grange::trace
