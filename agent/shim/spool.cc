#include "agent/shim/spool.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "agent/shim/job_folder.h"
#include "agent/shim/masked_forms.h"

namespace grange::shim {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr int kLargePipeBytes = 128 << 10;
constexpr int kReadsAtOnce = 16;
constexpr size_t kDropBytes = 1 << 20;

}  // namespace

Spool::Spool(OwnedFd log, uint64_t limit_bytes, const std::vector<std::string>& masks)
    : log_(std::move(log)), limit_bytes_(limit_bytes), masker_(MaskedForms(masks)) {
  struct stat info {};
  if (fstat(log_.get(), &info) == 0) log_bytes_ = static_cast<uint64_t>(info.st_size);
}

void Spool::SetPipe(OwnedFd pipe) {
  pipe_ = std::move(pipe);
  fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
}

bool Spool::Pump() {
  int reads = 0;
  while (reads < kReadsAtOnce && pipe_.is_open() && takes() && PumpOnce()) ++reads;
  return reads > 0;
}

void Spool::DrainPipe() {
  // Bounded: nobody of the job is left to write, and a pipe holds little.
  while (pipe_.is_open() && PumpOnce()) {
  }
  pipe_.Reset();
}

bool Spool::PumpOnce() {
  if (log_bytes_ + held_.size() >= limit_bytes_ || error_ != 0) return DropOnce();
  if (buffer_.empty()) buffer_.resize(kReadBytes);
  const ssize_t got = read(pipe_.get(), buffer_.data(), buffer_.size());
  if (got == 0) pipe_.Reset();
  if (got <= 0) return got < 0 && errno == EINTR;
  Add({buffer_.data(), static_cast<size_t>(got)});
  if (static_cast<size_t>(got) == kReadBytes && buffer_.size() == kReadBytes) {
    // A job that fills the pipe gets a larger one: fewer switches between it and us.
    const int size = fcntl(pipe_.get(), F_SETPIPE_SZ, kLargePipeBytes);
    buffer_.resize(static_cast<size_t>(std::max<int>(size, kReadBytes + 1)));
  }
  return true;
}

bool Spool::DropOnce() {
  if (!null_.is_open()) null_.Reset(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const ssize_t got =
      splice(pipe_.get(), nullptr, null_.get(), nullptr, kDropBytes, SPLICE_F_NONBLOCK);
  if (got == 0) pipe_.Reset();
  if (got <= 0) return got < 0 && errno == EINTR;
  dropped_bytes_ += static_cast<uint64_t>(got);
  return true;
}

void Spool::Add(std::string_view bytes) {
  if (masker_.passes_everything()) return Append(bytes);
  masked_.clear();
  masker_.Feed(bytes, &masked_);
  Append(masked_);
}

void Spool::Finish() {
  masked_.clear();
  masker_.Finish(&masked_);
  Append(masked_);
}

void Spool::Append(std::string_view masked) {
  const uint64_t kept = log_bytes_ + held_.size();
  const uint64_t room = limit_bytes_ - std::min(limit_bytes_, kept);
  const std::string_view fitting = masked.substr(0, room);
  dropped_bytes_ += masked.size() - fitting.size();
  if (!fitting.empty()) marks_.Note(kept, UnixMillis());
  if (held_.empty()) {
    held_ = WriteOut(fitting);
  } else {
    held_ += fitting;
  }
  if (error_ != 0) GiveUp(error_);
}

void Spool::Retry() {
  held_ = std::string(WriteOut(held_));
  if (error_ != 0) GiveUp(error_);
}

void Spool::GiveUp(int error) {
  error_ = error;
  dropped_bytes_ += held_.size();
  held_.clear();
}

std::string_view Spool::WriteOut(std::string_view bytes) {
  while (!bytes.empty() && error_ == 0) {
    const ssize_t put = write(log_.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == ENOSPC || errno == EDQUOT)) break;
    if (put < 0) error_ = errno;
    if (put <= 0) continue;
    log_bytes_ += static_cast<uint64_t>(put);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return bytes;
}

}  // namespace grange::shim
