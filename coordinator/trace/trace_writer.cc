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
// times `sync_bytes`: the slower the disk, the larger the groups.
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
    : options_(std::move(options)), store_(store), clock_(clock), thread_([this] { Run(); }) {}

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
  Push(PrepareFile{.key = {job, attempt}});
}

void TraceWriter::Append(const Assignment& assignment, uint64_t offset, std::string bytes,
                         std::shared_ptr<Sender> sender) {
  {
    base::MutexLock lock(mu_);
    senders_.try_emplace(sender.get(), sender);
    if (senders_.size() >= prune_senders_at_) {
      absl::erase_if(senders_, [](const auto& entry) { return entry.second.expired(); });
      prune_senders_at_ = std::max<size_t>(64, 2 * senders_.size());
    }
  }
  Push(AppendBytes{.assignment = assignment,
                   .offset = offset,
                   .bytes = std::move(bytes),
                   .sender = std::move(sender)});
}

void TraceWriter::AddMark(const Assignment& assignment, Mark mark) {
  Push(KeepMark{.assignment = assignment, .mark = std::move(mark)});
}

void TraceWriter::Finish(const Assignment& assignment, uint64_t trace_bytes, std::string sha256,
                         std::shared_ptr<Sender> sender, Done done) {
  Push(FinishTrace{.assignment = assignment,
                   .trace_bytes = trace_bytes,
                   .sha256 = std::move(sha256),
                   .sender = std::move(sender),
                   .done = std::move(done)});
}

void TraceWriter::Complete(JobId job, AttemptNumber attempt) {
  Push(CompleteTrace{.key = {job, attempt}});
}

void TraceWriter::Abandon(JobId job, AttemptNumber attempt) {
  Push(AbandonTrace{.key = {job, attempt}});
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

bool TraceWriter::QueueIsFull() const {
  base::MutexLock lock(mu_);
  return queue_bytes_ >= options_.queue_bytes_max;
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

// Of what an agent can send as much of as it likes.
uint64_t TraceWriter::BytesOf(const Command& command) {
  if (const auto* append = std::get_if<AppendBytes>(&command)) return append->bytes.size();
  return std::holds_alternative<KeepMark>(command) ? sizeof(Command) : 0;
}

void TraceWriter::Push(Command command) {
  const uint64_t bytes = BytesOf(command);
  base::MutexLock lock(mu_);
  queue_.push_back(std::move(command));
  queue_bytes_ += bytes;
  if (queue_bytes_ >= options_.queue_bytes_max) was_full_ = true;
  changed_.Signal();
}

void TraceWriter::Run() {
  std::deque<Command> commands;
  while (TakeCommands(commands)) {
    while (!commands.empty()) {
      Command command = std::move(commands.front());
      commands.pop_front();
      std::visit([this](auto& which) { Do(which); }, command);
      if (const uint64_t bytes = BytesOf(command); bytes > 0) Took(bytes);
      const uint64_t most =
          commands.empty() ? options_.sync_bytes : kGroupMax * options_.sync_bytes;
      if (unsynced_bytes_ >= most) {
        TellChanges();
        SyncAll();
      }
    }
    TellChanges();
    RunDeadlines();
  }
  SyncAll();
}

// Waits for commands or a deadline. False: all is done and we are to stop.
bool TraceWriter::TakeCommands(std::deque<Command>& commands) {
  base::MutexLock lock(mu_);
  while (queue_.empty() && !stop_) {
    const absl::Duration left = TimeToDeadline();
    if (left <= absl::ZeroDuration()) return true;
    if (left == absl::InfiniteDuration()) {
      changed_.Wait(mu_);
    } else {
      changed_.WaitWithTimeout(mu_, left);
    }
  }
  if (queue_.empty()) return false;
  commands.swap(queue_);
  return true;
}

// A chunk has left the queue: whoever stopped reading because of it may go on at half full.
void TraceWriter::Took(uint64_t bytes) {
  std::vector<std::shared_ptr<Sender>> waiting;
  {
    base::MutexLock lock(mu_);
    queue_bytes_ -= bytes;
    if (!was_full_ || queue_bytes_ > options_.queue_bytes_max / 2) return;
    was_full_ = false;
    for (const auto& [raw, weak] : senders_) {
      if (std::shared_ptr<Sender> sender = weak.lock()) waiting.push_back(std::move(sender));
    }
    absl::erase_if(senders_, [](const auto& entry) { return entry.second.expired(); });
  }
  for (const std::shared_ptr<Sender>& sender : waiting) sender->Drained();
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
