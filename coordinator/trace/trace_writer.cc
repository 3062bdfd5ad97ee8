#include "coordinator/trace/trace_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "coordinator/trace/seekable_zstd.h"
#include "coordinator/trace/trace_path.h"

namespace grange::trace {
namespace {

constexpr size_t kReadBytesMax = 8 << 20;  // of one Read()

// What waited while the last sync ran is written first and shares the next one, up to so many
// times `sync_bytes`: the slower the disk, the larger the groups. Only while all of it is one
// sender's: of several none waits long for another's sync.
constexpr uint64_t kGroupMax = 8;

absl::StatusOr<std::string> ReadPlain(const std::string& path, uint64_t offset, size_t max) {
  const os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  std::string bytes(max, '\0');
  while (true) {
    const ssize_t got = ::pread(fd.get(), bytes.data(), max, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os::ErrnoStatus(errno, "cannot read", path);
    bytes.resize(static_cast<size_t>(got));
    return bytes;
  }
}

std::pair<JobId, AttemptNumber> KeyOf(const Assignment& assignment) {
  return {assignment.job, assignment.attempt};
}

uint64_t FileSize(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TraceStore>> TraceStore::Open(Options options, store::Store& store,
                                                             const Clock& clock) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(options.dir));
  return std::unique_ptr<TraceStore>(
      std::make_unique<TraceWriter>(std::move(options), store, clock));
}

TraceWriter::TraceWriter(Options options, store::Store& store, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      clock_(clock),
      queue_({.bytes = options_.queue_bytes_max, .sender_bytes = options_.sender_bytes_max}),
      thread_([this] { Run(); }) {}

TraceWriter::~TraceWriter() {
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    changed_.Signal();
  }
  thread_.join();
}

absl::Status TraceWriter::Recover() {
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::AttemptRow> open, store_.OpenAttempts());
  std::vector<store::Write> repairs;
  for (const store::AttemptRow& row : open) {
    const std::string path = PathOf(options_.dir, row.job, row.number);
    const uint64_t size = FileSize(path);
    if (size > row.trace_bytes &&
        ::truncate(path.c_str(), static_cast<off_t>(row.trace_bytes)) != 0) {
      return os::ErrnoStatus(errno, "cannot cut", path);
    }
    if (size < row.trace_bytes) {
      // The disk lost what it had promised, or somebody removed the file; the agent has it still.
      log::Error("trace_shorter_than_promised",
                 {{"path", path}, {"promised", row.trace_bytes}, {"bytes", size}});
      repairs.emplace_back(
          store::PutTraceLength{.job = row.job, .attempt = row.number, .durable = size});
    }
  }
  return store_.Commit(repairs);
}

void TraceWriter::Prepare(JobId job, AttemptNumber attempt) {
  const Key key(job, attempt);
  Push(nullptr, key, 0, PrepareFile{.key = key});
}

bool TraceWriter::Append(const Assignment& assignment, uint64_t offset, std::string bytes,
                         std::shared_ptr<Sender> sender) {
  const uint64_t size = bytes.size();
  return Push(
      sender, KeyOf(assignment), size,
      AppendBytes{
          .assignment = assignment, .offset = offset, .bytes = std::move(bytes), .sender = sender});
}

bool TraceWriter::AddMark(const Assignment& assignment, Mark mark, std::shared_ptr<Sender> sender) {
  return Push(sender, KeyOf(assignment), sizeof(Command),
              KeepMark{.assignment = assignment, .mark = std::move(mark)});
}

void TraceWriter::Finish(const Assignment& assignment, uint64_t trace_bytes, std::string sha256,
                         std::shared_ptr<Sender> sender, Done done) {
  Push(sender, KeyOf(assignment), 0,
       FinishTrace{.assignment = assignment,
                   .trace_bytes = trace_bytes,
                   .sha256 = std::move(sha256),
                   .sender = sender,
                   .done = std::move(done)});
}

void TraceWriter::Complete(JobId job, AttemptNumber attempt) {
  const Key key(job, attempt);
  Push(nullptr, key, 0, CompleteTrace{.key = key});
}

void TraceWriter::Abandon(JobId job, AttemptNumber attempt) {
  const Key key(job, attempt);
  Push(nullptr, key, 0, AbandonTrace{.key = key});
}

absl::Status TraceWriter::Remove(JobId job, AttemptNumber attempt) {
  {
    base::MutexLock lock(mu_);
    if (visible_.contains(Key(job, attempt))) {
      return absl::FailedPreconditionError(
          absl::StrCat("the log of ", job.ToString(), ", attempt ", attempt, " is being written"));
    }
  }
  for (const std::string& path :
       {PathOf(options_.dir, job, attempt), CompressedPathOf(options_.dir, job, attempt),
        MarksPathOf(options_.dir, job, attempt)}) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return os::ErrnoStatus(errno, "cannot remove", path);
    }
  }
  return absl::OkStatus();
}

bool TraceWriter::IsPaused(JobId job, AttemptNumber attempt) const {
  base::MutexLock lock(mu_);
  return paused_.count(Key(job, attempt)) > 0;
}

uint64_t TraceWriter::Size(JobId job, AttemptNumber attempt) const {
  {
    base::MutexLock lock(mu_);
    const auto found = visible_.find(Key(job, attempt));
    if (found != visible_.end()) return found->second;
  }
  if (const uint64_t size = FileSize(PathOf(options_.dir, job, attempt)); size > 0) return size;
  const absl::StatusOr<SeekableReader> packed =
      SeekableReader::Open(CompressedPathOf(options_.dir, job, attempt));
  return packed.ok() ? packed->size() : 0;
}

absl::StatusOr<std::string> TraceWriter::Read(JobId job, AttemptNumber attempt, uint64_t offset,
                                              size_t max) const {
  max = std::min(max, kReadBytesMax);
  bool open = false;
  {
    base::MutexLock lock(mu_);
    const auto found = visible_.find(Key(job, attempt));
    if (found != visible_.end()) {
      open = true;
      // What a failed write left beyond it is not part of the trace.
      max = offset < found->second ? std::min<uint64_t>(max, found->second - offset) : 0;
    }
  }
  if (open && max == 0) return "";
  absl::StatusOr<std::string> plain = ReadPlain(PathOf(options_.dir, job, attempt), offset, max);
  if (!absl::IsNotFound(plain.status())) return plain;
  absl::StatusOr<SeekableReader> packed =
      SeekableReader::Open(CompressedPathOf(options_.dir, job, attempt));
  if (absl::IsNotFound(packed.status())) {
    return absl::NotFoundError(absl::StrCat(job.ToString(), " has no trace of attempt ", attempt));
  }
  if (!packed.ok()) return packed.status();
  return packed->Read(offset, max);
}

absl::StatusOr<std::vector<Mark>> TraceWriter::ReadMarks(JobId job, AttemptNumber attempt,
                                                         uint64_t& position) const {
  return ReadSomeMarks(MarksPathOf(options_.dir, job, attempt), position);
}

std::unique_ptr<TraceStore::Watch> TraceWriter::Subscribe(JobId job, AttemptNumber attempt,
                                                          std::function<void()> on_change) {
  return watchers_.Add({job, attempt}, std::move(on_change));
}

bool TraceWriter::Push(const std::shared_ptr<Sender>& sender, const Key& key, uint64_t bytes,
                       Command command) {
  base::MutexLock lock(mu_);
  const bool may_go_on = queue_.Push(sender, key, bytes, std::move(command));
  changed_.Signal();
  return may_go_on;
}

void TraceWriter::Run() {
  std::optional<Queue::Taken> next;
  while (TakeCommand(next)) {
    if (next.has_value()) {
      const absl::Duration start = clock_.SinceBoot();
      std::visit([this](auto& which) { Do(which); }, next->item);
      if (unsynced_bytes_ >= GroupBytes(*next)) {
        TellChanges();
        SyncAll();
      }
      // What is nobody's keeps nobody company: each job has some of it.
      if (next->lane != nullptr) {
        const absl::Duration now = clock_.SinceBoot();
        pace_.Served(next->lane, next->bytes, now - start, now);
      }
      if (!next->round_over) continue;
    }
    TellChanges();
    RunDeadlines();
    SyncFresh();
  }
  SyncAll();
}

// Waits for a command that may be carried out now, or for something else that is to be done, for
// which there is none. False: all is done and we are to stop.
bool TraceWriter::TakeCommand(std::optional<Queue::Taken>& taken) {
  std::vector<std::shared_ptr<Sender>> drained;
  {
    base::MutexLock lock(mu_);
    while (true) {
      absl::Duration next = absl::InfiniteDuration();  // when somebody may go who must wait
      taken = queue_.PopIf([&](const void* lane) {
        const absl::Duration at = pace_.Next(lane);
        if (stop_ || at <= clock_.SinceBoot()) return true;
        next = std::min(next, at);
        return false;
      });
      if (taken.has_value()) break;
      if (stop_) return false;
      if (!grown_.empty()) return true;
      const absl::Duration left = TimeToDeadline();
      if (left <= absl::ZeroDuration()) return true;
      if (next < absl::InfiniteDuration()) next -= clock_.SinceBoot();
      changed_.WaitWithTimeout(mu_, std::min(left, next));
    }
    drained = queue_.TakeDrained();
  }
  for (const std::shared_ptr<Sender>& sender : drained) sender->Drained();
  return true;
}

// How many bytes are synced together, now that `taken` is among them.
uint64_t TraceWriter::GroupBytes(const Queue::Taken& taken) {
  if (group_of_.value_or(taken.lane) != taken.lane) group_is_shared_ = true;
  group_of_ = taken.lane;
  const bool large = taken.more && !group_is_shared_;
  return options_.sync_bytes * (large ? kGroupMax : 1);
}

absl::Duration TraceWriter::TimeToDeadline() const {
  const absl::Duration next = std::min(sync_at_, retry_at_);
  return next == absl::InfiniteDuration() ? next : next - clock_.SinceBoot();
}

void TraceWriter::RunDeadlines() {
  const absl::Duration now = clock_.SinceBoot();
  if (now >= sync_at_) SyncAll();
  if (now >= retry_at_) RetryStalled();
}

}  // namespace grange::trace
