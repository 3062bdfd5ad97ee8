#include "tests/support/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::test {

absl::Status EnterOwnMounts() {
  if (unshare(CLONE_NEWNS) != 0) return os::ErrnoStatus(errno, "cannot make own mounts of", "/");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return os::ErrnoStatus(errno, "cannot make private", "/");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SmallDisk>> SmallDisk::Mount(const std::string& path,
                                                            uint64_t size_bytes) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(path));
  const std::string options = absl::StrCat("size=", size_bytes, ",mode=0700");
  if (mount("none", path.c_str(), "tmpfs", 0, options.c_str()) != 0) {
    return os::ErrnoStatus(errno, "cannot mount a tmpfs on", path);
  }
  return std::unique_ptr<SmallDisk>(new SmallDisk(path));
}

SmallDisk::~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }

Filler::Filler(std::string path) : path_(std::move(path)) {
  const os::UniqueFd fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  off_t at = 0;
  for (off_t piece = 1 << 20; piece >= 4096; piece /= 2) {
    while (posix_fallocate(fd.get(), at, piece) == 0) at += piece;
  }
}

Filler::~Filler() { unlink(path_.c_str()); }

}  // namespace grange::test
