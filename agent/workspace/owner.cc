#include "agent/workspace/owner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::workspace {
namespace {

// For a folder that others go through and see nothing of.
constexpr mode_t kPassable = 0711;

absl::Status MakePassable(const std::string& path) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(path, kPassable));
  if (::chmod(path.c_str(), kPassable) != 0) return os::ErrnoStatus(errno, "cannot open up", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status GiveTree(const std::string& path, const Owner& owner) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return os::ErrnoStatus(errno, "cannot look at", path);
  if (S_ISDIR(info.st_mode)) {
    GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> names, os::ListDir(path));
    for (const std::string& name : names) {
      GRANGE_RETURN_IF_ERROR(GiveTree(os::JoinPath(path, name), owner));
    }
  }
  if (::lchown(path.c_str(), owner.uid, owner.gid) == 0) return absl::OkStatus();
  return os::ErrnoStatus(errno, "cannot give to the job's user", path);
}

absl::Status MakeOwnedDir(const std::string& path, const Owner& owner) {
  GRANGE_RETURN_IF_ERROR(MakePassable(path.substr(0, path.rfind('/'))));
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode) && info.st_uid == owner.uid) {
      // Not through the path: its owner can't replace it, but no right is needed to be careful.
      const os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (fd.is_open() && ::fchmod(fd.get(), 0700) == 0) return absl::OkStatus();
      return os::ErrnoStatus(errno, "cannot use", path);
    }
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(path));
  }
  if (::mkdir(path.c_str(), 0700) != 0) return os::ErrnoStatus(errno, "cannot make folder", path);
  return GiveTree(path, owner);
}

}  // namespace grange::workspace
