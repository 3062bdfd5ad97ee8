#include "agent/trace/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/crc32c.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::trace {
namespace {

constexpr absl::string_view kMagic = "grangej1";
constexpr size_t kFrameBytes = 8;   // length, checksum
constexpr size_t kFixedBytes = 21;  // kind, job, attempt, fence
constexpr uint32_t kRecordBytesMax = 4 << 20;
constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;

template <typename T>
void PutNumber(std::string& out, T value) {  // little-endian, as on every machine that we run on
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

template <typename T>
T TakeNumber(absl::string_view& in) {
  T value;
  std::memcpy(&value, in.data(), sizeof(T));
  in.remove_prefix(sizeof(T));
  return value;
}

std::string Encode(const Record& record) {
  std::string body;
  body.reserve(kFixedBytes + record.payload.size());
  PutNumber(body, static_cast<uint8_t>(record.kind));
  PutNumber(body, record.assignment.job.value());
  PutNumber(body, record.assignment.attempt);
  PutNumber(body, FenceValue(record.assignment.fence));
  body += record.payload;
  std::string frame;
  frame.reserve(kFrameBytes + body.size());
  PutNumber(frame, static_cast<uint32_t>(body.size()));
  PutNumber(frame, Crc32c(body));
  return frame + body;
}

// Takes one record from the front of `in`; false if there is no whole, undamaged one.
bool Decode(absl::string_view& in, Record& record) {
  absl::string_view rest = in;
  if (rest.size() < kFrameBytes) return false;
  const uint32_t length = TakeNumber<uint32_t>(rest);
  const uint32_t crc = TakeNumber<uint32_t>(rest);
  if (length < kFixedBytes || length > kRecordBytesMax || length > rest.size()) return false;
  absl::string_view body = rest.substr(0, length);
  if (Crc32c(body) != crc) return false;
  const uint8_t kind = TakeNumber<uint8_t>(body);
  if (kind < static_cast<uint8_t>(Record::Kind::kAccepted) ||
      kind > static_cast<uint8_t>(Record::Kind::kForgotten)) {
    return false;
  }
  record.kind = static_cast<Record::Kind>(kind);
  record.assignment.job = JobId(TakeNumber<int64_t>(body));
  record.assignment.attempt = TakeNumber<int32_t>(body);
  record.assignment.fence = Fence{TakeNumber<uint64_t>(body)};
  record.payload = std::string(body);
  in = rest.substr(length);
  return true;
}

uint64_t SizeOf(const Record& record) { return kFrameBytes + kFixedBytes + record.payload.size(); }

}  // namespace

Journal::Journal(Options options, os::EventLoop& loop)
    : options_(std::move(options)), loop_(loop), alive_(std::make_shared<bool>(true)) {}

Journal::~Journal() { *alive_ = false; }

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(Options options, os::EventLoop& loop) {
  std::unique_ptr<Journal> journal(new Journal(std::move(options), loop));
  GRANGE_RETURN_IF_ERROR(journal->Load());
  GRANGE_RETURN_IF_ERROR(journal->Rewrite());
  return journal;
}

absl::Status Journal::Load() {
  if (!os::Exists(options_.path)) return absl::OkStatus();
  GRANGE_ASSIGN_OR_RETURN(const std::string bytes, os::ReadFile(options_.path, kFileBytesMax));
  absl::string_view rest = bytes;
  if (rest.substr(0, kMagic.size()) != kMagic) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", options_.path,
                     "' is no journal of this version of grange-agent; use the "
                     "version that wrote it, or register the agent in a new state directory"));
  }
  rest.remove_prefix(kMagic.size());
  Record record;
  while (!rest.empty() && Decode(rest, record)) Remember(std::move(record));
  if (!rest.empty()) {
    const std::string cut = options_.path + ".cut";
    log::Warning(
        "journal_cut",
        {{"path", options_.path}, {"bytes", static_cast<uint64_t>(rest.size())}, {"kept_as", cut}});
    GRANGE_RETURN_IF_ERROR(os::WriteFile(cut, rest));
  }
  return absl::OkStatus();
}

void Journal::Remember(Record record) {
  const Assignment assignment = record.assignment;
  if (record.kind == Record::Kind::kForgotten) {
    if (const auto found = attempts_.find(assignment); found != attempts_.end()) {
      for (const Record& old : found->second) live_bytes_ -= SizeOf(old);
      attempts_.erase(found);
    }
    return;
  }
  live_bytes_ += SizeOf(record);
  attempts_[assignment].push_back(std::move(record));
}

absl::Status Journal::Rewrite() {
  std::string content(kMagic);
  for (const auto& [assignment, records] : attempts_) {
    for (const Record& record : records) content += Encode(record);
  }
  GRANGE_RETURN_IF_ERROR(os::WriteFileAtomic(options_.path, content));
  os::UniqueFd fd(::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "open", options_.path);
  fd_ = std::move(fd);
  size_ = content.size();
  return absl::OkStatus();
}

absl::Status Journal::Write(const Record& record) {
  const std::string bytes = Encode(record);
  if (bytes.size() > kRecordBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a record of ", bytes.size(), " bytes for ",
                                                   record.assignment.ToString(),
                                                   " is too large for the journal"));
  }
  absl::Status status = os::WriteAll(fd_.get(), bytes);
  if (absl::IsResourceExhausted(status) && options_.make_room && options_.make_room()) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) == 0) {
      status = os::WriteAll(fd_.get(), bytes);
    }
  }
  if (!status.ok()) {
    // Half a record must not stand before the next one.
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
      log::Error("journal_truncate_failed", {{"path", options_.path}, {"errno", errno}});
    }
    return Annotate(status, absl::StrCat("writing '", options_.path, "'"));
  }
  size_ += bytes.size();
  return absl::OkStatus();
}

void Journal::Append(Record record, OnDurable on_durable) {
  absl::Status status = Write(record);
  if (status.ok()) Remember(std::move(record));
  waiting_.emplace_back(std::move(on_durable), std::move(status));
  if (sync_posted_) return;
  sync_posted_ = true;
  loop_.Post([this, alive = alive_] {
    if (*alive) SyncTurn();
  });
}

absl::Status Journal::AppendLazily(Record record) {
  GRANGE_RETURN_IF_ERROR(Write(record));
  Remember(std::move(record));
  return absl::OkStatus();
}

void Journal::SyncTurn() {
  sync_posted_ = false;
  absl::Status synced = absl::OkStatus();
  if (size_ > options_.rewrite_bytes && live_bytes_ < size_ / 2) {
    synced = Rewrite();
  } else if (::fdatasync(fd_.get()) != 0) {
    // What was not synced may be lost although it can still be read: only a new file helps.
    const absl::Status failed = os::ErrnoStatus(errno, "fdatasync", options_.path);
    log::Error("journal_sync_failed", {{"error", failed}});
    synced = Rewrite();
  }
  std::vector<std::pair<OnDurable, absl::Status>> waiting;
  waiting.swap(waiting_);
  for (auto& [on_durable, written] : waiting) on_durable(written.ok() ? synced : written);
}

}  // namespace grange::trace
