#include "coordinator/trace/trace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::trace {
namespace {

constexpr size_t kReadBytes = 256 << 10;

}  // namespace

absl::StatusOr<TraceFile> TraceFile::Open(const std::string& path, uint64_t length) {
  os::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return os::ErrnoStatus(errno, "cannot read", path);
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  TraceFile file(path, std::move(fd), std::min(size, length));
  if (size > length) GRANGE_RETURN_IF_ERROR(file.CutTo(length));
  return file;
}

TraceFile::TraceFile(std::string path, os::UniqueFd fd, uint64_t size)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      size_(size),
      synced_(size),
      hash_(std::make_unique<os::Sha256>()) {}

absl::Status TraceFile::Append(absl::string_view bytes) {
  GRANGE_RETURN_IF_ERROR(CatchUp());
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(size_ + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const absl::Status status = os::ErrnoStatus(errno, "cannot write", path_);
      // What was written of it lies beyond size_, where nobody reads; the next Append overwrites
      // it. Cutting only gives the space back.
      if (done > 0) CutTo(size_).IgnoreError();
      return status;
    }
    done += static_cast<size_t>(got);
  }
  hash_->Update(bytes);
  size_ += bytes.size();
  hashed_ = size_;
  return absl::OkStatus();
}

absl::Status TraceFile::Sync() {
  if (synced_ == size_) return absl::OkStatus();
  if (::fdatasync(fd_.get()) != 0) {
    const absl::Status status = os::ErrnoStatus(errno, "cannot sync", path_);
    CutTo(synced_).IgnoreError();  // a failed sync must not be tried again as if nothing was lost
    return status;
  }
  synced_ = size_;
  return absl::OkStatus();
}

absl::Status TraceFile::CutTo(uint64_t length) {
  size_ = length;
  synced_ = std::min(synced_, length);
  if (hashed_ > length) {
    hash_ = std::make_unique<os::Sha256>();
    hashed_ = 0;
  }
  if (::ftruncate(fd_.get(), static_cast<off_t>(length)) == 0) return absl::OkStatus();
  return os::ErrnoStatus(errno, "cannot cut", path_);
}

absl::StatusOr<std::string> TraceFile::Digest() {
  GRANGE_RETURN_IF_ERROR(CatchUp());
  return hash_->Digest();
}

absl::StatusOr<std::string> TraceFile::DigestOfFirst(uint64_t length) const {
  os::Sha256 hash;
  GRANGE_RETURN_IF_ERROR(HashBytes(0, length, hash));
  return hash.Digest();
}

absl::Status TraceFile::CatchUp() {
  if (hashed_ == size_) return absl::OkStatus();
  const absl::Status read = HashBytes(hashed_, size_, *hash_);
  if (!read.ok()) hash_ = std::make_unique<os::Sha256>();  // it has some of them
  hashed_ = read.ok() ? size_ : 0;
  return read;
}

absl::Status TraceFile::HashBytes(uint64_t from, uint64_t to, os::Sha256& hash) const {
  std::string buffer(kReadBytes, '\0');
  while (from < to) {
    const size_t want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), to - from));
    const ssize_t got = ::pread(fd_.get(), buffer.data(), want, static_cast<off_t>(from));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os::ErrnoStatus(errno, "cannot read", path_);
    if (got == 0) {
      return absl::DataLossError(absl::StrCat("'", path_, "' became shorter by itself"));
    }
    hash.Update(absl::string_view(buffer.data(), static_cast<size_t>(got)));
    from += static_cast<uint64_t>(got);
  }
  return absl::OkStatus();
}

}  // namespace grange::trace
