#include "agent/trace/trace_sender.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/trace/mark_reader.h"
#include "common/base/crc32c.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::trace {
namespace {

constexpr size_t kHashBlock = 256 << 10;
// The coordinator doesn't sync marks as it does bytes. A session sends some that it should have
// once more: those of the last minute, if the job printed all the time.
constexpr size_t kMarksAgain = 600;

// Reads up to `size` bytes at `offset`; fewer only at the end of the file. -1 on errors.
ssize_t ReadAt(int fd, char* to, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

void SetAssignment(const Assignment& assignment, grange::v1::Assignment* message) {
  message->set_job_id(assignment.job.value());
  message->set_attempt(assignment.attempt);
  message->set_fence(FenceValue(assignment.fence));
}

grange::v1::TraceMark::Kind ToProto(uint32_t kind) {
  switch (kind) {
    case shim::OutputMark::kTime:
      return grange::v1::TraceMark::KIND_TIME;
    case shim::OutputMark::kSectionStart:
      return grange::v1::TraceMark::KIND_SECTION_START;
    case shim::OutputMark::kSectionEnd:
      return grange::v1::TraceMark::KIND_SECTION_END;
  }
  return grange::v1::TraceMark::KIND_UNSPECIFIED;
}

}  // namespace

struct TraceSender::Spool {
  Spool(std::string log, std::string marks_path)
      : path(std::move(log)), marks(std::move(marks_path)) {}

  std::string path;
  MarkReader marks;
  os::UniqueFd fd;
  bool ready = false;  // the session has said from where to send
  uint64_t known = 0;  // size of the file when last looked at
  uint64_t sent = 0;   // handed to the stream, or prepared for it
  uint64_t acked = 0;  // durable at the coordinator
  std::optional<uint64_t> end;
  std::function<void()> on_sent;
  bool gather_over = false;  // the gathering time has passed: send what there is
  os::EventLoop::TimerId gather_timer = 0;
  os::Sha256 sha;
  uint64_t hashed = 0;

  // Nothing is left of it but marks, perhaps.
  bool all_bytes_sent() const { return ready && end.has_value() && sent >= *end; }
  uint64_t unacked() const { return sent > acked ? sent - acked : 0; }

  void Look() {
    if (!fd.is_open()) fd.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (fd.is_open() && ::fstat(fd.get(), &info) == 0) {
      known = static_cast<uint64_t>(info.st_size);
      if (end.has_value()) known = std::min(known, *end);
    }
  }
};

TraceSender::TraceSender(os::EventLoop& loop)
    : loop_(loop),
      in_flight_(std::make_shared<grange::v1::TraceMsg>()),
      next_(std::make_shared<grange::v1::TraceMsg>()) {}

TraceSender::~TraceSender() {
  for (auto& [assignment, spool] : spools_) {
    if (spool->gather_timer != 0) loop_.Cancel(spool->gather_timer);
  }
}

TraceSender::Spool* TraceSender::Find(const Assignment& assignment) {
  const auto found = spools_.find(assignment);
  return found == spools_.end() ? nullptr : found->second.get();
}

void TraceSender::Open(const Assignment& assignment, const std::string& path,
                       std::optional<uint64_t> from, const std::string& marks) {
  std::unique_ptr<Spool>& slot = spools_[assignment];
  if (slot != nullptr) return;
  slot = std::make_unique<Spool>(path, marks);
  slot->ready = from.has_value() && writer_ != nullptr;
  slot->sent = slot->acked = from.value_or(0);
  slot->Look();
  Pump();
}

void TraceSender::Grown(const Assignment& assignment) {
  Spool* spool = Find(assignment);
  if (spool == nullptr) return;
  spool->Look();
  Pump();
}

void TraceSender::Ended(const Assignment& assignment, uint64_t size,
                        std::function<void()> on_sent) {
  Spool* spool = Find(assignment);
  if (spool == nullptr) return;
  spool->end = size;
  spool->on_sent = std::move(on_sent);
  spool->Look();
  Pump();
  CheckSent(*spool);
}

void TraceSender::Close(const Assignment& assignment) {
  const auto found = spools_.find(assignment);
  if (found == spools_.end()) return;
  if (found->second->gather_timer != 0) loop_.Cancel(found->second->gather_timer);
  unacked_ -= found->second->unacked();
  if (next_ready_ && next_of_ == assignment) next_ready_ = false;
  spools_.erase(found);
  Pump();
}

void TraceSender::Connected(TraceWriter& writer, const std::string& session_id,
                            const TraceLimits& limits) {
  Disconnected();
  writer_ = &writer;
  limits_ = limits;
  in_flight_->set_session_id(session_id);
  writing_ = true;
  writer_->Write(in_flight_);
}

void TraceSender::Disconnected() {
  writer_ = nullptr;
  writing_ = false;
  next_ready_ = false;
  unacked_ = 0;
  // The stream may still hold the message that was being written: it is given a new one.
  in_flight_ = std::make_shared<grange::v1::TraceMsg>();
  for (auto& [assignment, spool] : spools_) {
    spool->ready = false;
    spool->sent = spool->acked;
  }
}

void TraceSender::ResumeAt(const Assignment& assignment, uint64_t offset) {
  Spool* spool = Find(assignment);
  if (spool == nullptr || writer_ == nullptr) return;
  spool->Look();
  if (offset > spool->known) {
    log::Warning("trace_offset_beyond_spool",
                 {{"job", assignment}, {"offset", offset}, {"size", spool->known}});
    offset = spool->known;
  }
  unacked_ -= spool->unacked();
  spool->marks.Rewind(offset, spool->ready ? 0 : kMarksAgain);
  spool->ready = true;
  spool->sent = spool->acked = offset;
  if (next_ready_ && next_of_ == assignment) next_ready_ = false;
  Pump();
  CheckSent(*spool);
}

void TraceSender::OnAck(const Assignment& assignment, uint64_t durable) {
  Spool* spool = Find(assignment);
  if (spool == nullptr || durable <= spool->acked) return;
  const uint64_t before = spool->unacked();
  spool->acked = std::min(durable, spool->sent);
  unacked_ -= before - spool->unacked();
  Pump();
}

void TraceSender::OnWritten() {
  writing_ = false;
  in_flight_->clear_session_id();
  Pump();
}

bool TraceSender::MaySend(const Spool& spool) const {
  if (!spool.ready || spool.sent >= spool.known) return false;
  if (spool.unacked() >= limits_.unacked_bytes_job) return false;
  if (unacked_ >= limits_.unacked_bytes_agent) return false;
  const uint64_t waiting = spool.known - spool.sent;
  return spool.unacked() == 0 || spool.end.has_value() || spool.gather_over ||
         waiting >= limits_.chunk_bytes;
}

// Makes `next_` of the attempt whose turn it is; false if no one has something to send now.
bool TraceSender::Prepare() {
  if (next_ready_) return true;
  auto at = spools_.upper_bound(last_);
  for (size_t i = 0; i < spools_.size(); ++i, ++at) {
    if (at == spools_.end()) at = spools_.begin();
    Spool& spool = *at->second;
    const bool may_send = MaySend(spool);
    if (((may_send || spool.all_bytes_sent()) && FillMark(at->first, spool)) ||
        (may_send && FillNext(at->first, spool))) {
      last_ = at->first;
      return true;
    }
    if (spool.ready && spool.sent < spool.known && spool.gather_timer == 0) ArmGather(spool);
  }
  return false;
}

// The next mark, if it stands before a byte of the next chunk, or there is no chunk after that.
bool TraceSender::FillMark(const Assignment& assignment, Spool& spool) {
  const shim::OutputMark* const next = spool.marks.Next();
  if (next == nullptr) return false;
  const uint64_t waiting = spool.known > spool.sent ? spool.known - spool.sent : 0;
  const uint64_t chunk_end = spool.sent + std::min(waiting, limits_.chunk_bytes);
  const bool is_last = spool.end.has_value() && chunk_end >= *spool.end;
  if (next->offset >= chunk_end && !is_last) return false;
  grange::v1::TraceMark& mark = *next_->mutable_mark();
  SetAssignment(assignment, mark.mutable_assignment());
  mark.set_offset(next->offset);
  mark.set_unix_ms(next->unix_ms);
  mark.set_kind(ToProto(next->kind));
  mark.set_name(std::string(shim::SectionName(next->section)));
  spool.marks.Skip();
  next_of_ = assignment;
  next_ready_ = true;
  return true;
}

bool TraceSender::FillNext(const Assignment& assignment, Spool& spool) {
  const uint64_t size = std::min(spool.known - spool.sent, limits_.chunk_bytes);
  grange::v1::TraceChunk& chunk = *next_->mutable_chunk();
  std::string& data = *chunk.mutable_data();
  data.resize(size);
  const ssize_t got = ReadAt(spool.fd.get(), data.data(), size, spool.sent);
  if (got <= 0) {
    log::Error("spool_unreadable", {{"path", spool.path}, {"errno", errno}});
    spool.known = spool.sent;  // tried again when it grows or the session changes
    return false;
  }
  data.resize(static_cast<size_t>(got));
  chunk.set_crc32c(Crc32c(data));
  chunk.set_offset(spool.sent);
  SetAssignment(assignment, chunk.mutable_assignment());
  if (spool.sent == spool.hashed) {
    spool.sha.Update(data);
    spool.hashed += data.size();
  }
  spool.sent += data.size();
  unacked_ += data.size();
  if (spool.sent == spool.known) spool.gather_over = false;
  next_of_ = assignment;
  next_ready_ = true;
  return true;
}

void TraceSender::Pump() {
  if (writer_ == nullptr) return;
  while (Prepare()) {
    if (writing_) return;  // it goes when the last one is written
    std::swap(in_flight_, next_);
    next_ready_ = false;
    writing_ = true;
    const Assignment of = next_of_;
    writer_->Write(in_flight_);
    if (Spool* spool = Find(of); spool != nullptr) CheckSent(*spool);
  }
}

void TraceSender::ArmGather(Spool& spool) {
  spool.gather_timer = loop_.After(limits_.gather, [this, &spool] {
    spool.gather_timer = 0;
    spool.gather_over = true;
    Pump();
  });
}

void TraceSender::CheckSent(Spool& spool) {
  const bool prepared_only = next_ready_ && Find(next_of_) == &spool;
  if (!spool.ready || !spool.end.has_value() || prepared_only) return;
  if (spool.sent < *spool.end || spool.on_sent == nullptr) return;
  if (spool.marks.Next() != nullptr) return;
  const std::function<void()> on_sent = spool.on_sent;  // it may close the spool
  on_sent();
}

std::optional<std::string> TraceSender::Digest(const Assignment& assignment, uint64_t size,
                                               uint64_t at_most) {
  Spool* spool = Find(assignment);
  if (spool == nullptr || spool->hashed > size || size - spool->hashed > at_most) {
    return std::nullopt;
  }
  spool->Look();
  std::string block;
  while (spool->hashed < size) {
    block.resize(std::min<uint64_t>(kHashBlock, size - spool->hashed));
    const ssize_t got = ReadAt(spool->fd.get(), block.data(), block.size(), spool->hashed);
    if (got <= 0) return std::nullopt;
    spool->sha.Update(absl::string_view(block.data(), static_cast<size_t>(got)));
    spool->hashed += static_cast<uint64_t>(got);
  }
  return spool->sha.Digest();
}

absl::StatusOr<std::string> HashFile(const std::string& path, uint64_t size) {
  const os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "open", path);
  os::Sha256 sha;
  std::string block(std::min<uint64_t>(kHashBlock, size), '\0');
  for (uint64_t at = 0; at < size;) {
    const uint64_t want = std::min<uint64_t>(block.size(), size - at);
    const ssize_t got = ReadAt(fd.get(), block.data(), want, at);
    if (got < 0) return os::ErrnoStatus(errno, "read", path);
    if (got == 0) {
      return absl::DataLossError(
          absl::StrCat("'", path, "' has only ", at, " of its ", size, " bytes"));
    }
    sha.Update(absl::string_view(block.data(), static_cast<size_t>(got)));
    at += static_cast<uint64_t>(got);
  }
  return sha.Digest();
}

}  // namespace grange::trace
