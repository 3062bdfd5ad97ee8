#include "coordinator/server/disk_reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/log/log.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::server {
namespace {

// Beside the reserve so much must be free, or it would be given up again at once.
constexpr uint64_t kBesides = 1 << 20;

uint64_t BytesFor(const std::string& dir) {
  struct statvfs info {};
  if (statvfs(dir.c_str(), &info) != 0) return DiskReserve::kBytesMax;
  const uint64_t disk = uint64_t{info.f_blocks} * info.f_frsize;
  return std::min(DiskReserve::kBytesMax, disk / DiskReserve::kShareOfDisk);
}

}  // namespace

DiskReserve::DiskReserve(const std::string& state_dir)
    : path_(os::JoinPath(state_dir, "reserve")), bytes_(BytesFor(state_dir)) {}

absl::Status DiskReserve::TakeBack() {
  if (whole_) return absl::OkStatus();
  const os::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot make", path_);
  // With a little more, which is given back: so there is room beside it.
  int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes_ + kBesides));
  if (error == 0 && ::ftruncate(fd.get(), static_cast<off_t>(bytes_)) != 0) error = errno;
  if (error != 0) {
    ::unlink(path_.c_str());
    return os::ErrnoStatus(error, "cannot make", path_);
  }
  whole_ = true;
  return absl::OkStatus();
}

bool DiskReserve::GiveUp() {
  if (!whole_) return false;
  whole_ = false;
  ::unlink(path_.c_str());
  log::Warning("reserve_given_up", {{"path", path_}, {"bytes", bytes_}});
  return true;
}

void DiskReserve::ReportFull(const absl::Status& status) {
  base::MutexLock lock(mu_);
  if (on_full_) on_full_(status);
}

void DiskReserve::SetOnFull(std::function<void(const absl::Status&)> on_full) {
  base::MutexLock lock(mu_);
  on_full_ = std::move(on_full);
}

}  // namespace grange::server
