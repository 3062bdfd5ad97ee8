#include "common/os/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace grange::os {
namespace {

// How long a lock may outlive the process that took it.
constexpr int kDeadHolderTries = 200;
constexpr int kDeadHolderWaitMs = 10;

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  if (slash == 0) return "/";
  return path.substr(0, slash);
}

std::string HolderOf(int lock) {
  char holder[32] = {};
  const ssize_t got = pread(lock, holder, sizeof holder - 1, 0);
  return got > 0 ? std::string(holder, static_cast<size_t>(got)) : "?";
}

bool IsDead(const std::string& pid) {
  int number = 0;
  return absl::SimpleAtoi(pid, &number) && kill(number, 0) != 0 && errno == ESRCH;
}

struct DirClose {
  void operator()(DIR* dir) const { closedir(dir); }
};
using DirHandle = std::unique_ptr<DIR, DirClose>;

// Removes what is below the open folder `dir_fd`; symbolic links are removed, not followed.
absl::Status RemoveBelow(int dir_fd, const std::string& path) {
  DirHandle dir(fdopendir(dir_fd));
  if (dir == nullptr) {
    ::close(dir_fd);
    return ErrnoStatus(errno, "cannot list", path);
  }
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (unlinkat(dirfd(dir.get()), name.c_str(), 0) == 0) continue;
    if (errno == ENOENT) continue;
    if (errno != EISDIR && errno != EPERM && errno != EACCES) {
      return ErrnoStatus(errno, "cannot remove", JoinPath(path, name));
    }
    const int child =
        openat(dirfd(dir.get()), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child < 0) {
      if (errno == ENOENT) continue;
      // A job may leave a folder that its owner cannot enter.
      if (errno != EACCES || fchmodat(dirfd(dir.get()), name.c_str(), 0700, 0) != 0) {
        return ErrnoStatus(errno, "cannot remove", JoinPath(path, name));
      }
      const int again =
          openat(dirfd(dir.get()), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (again < 0) return ErrnoStatus(errno, "cannot remove", JoinPath(path, name));
      GRANGE_RETURN_IF_ERROR(RemoveBelow(again, JoinPath(path, name)));
    } else {
      fchmod(child, 0700);  // entries can be removed only from a writable folder
      GRANGE_RETURN_IF_ERROR(RemoveBelow(child, JoinPath(path, name)));
    }
    if (unlinkat(dirfd(dir.get()), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      return ErrnoStatus(errno, "cannot remove", JoinPath(path, name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ErrnoStatus(int error, absl::string_view what, absl::string_view path) {
  char buffer[256];
  const char* text = strerror_r(error, buffer, sizeof buffer);
  return absl::Status(CodeOf(error), absl::StrCat(what, " '", path, "': ", text));
}

absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t limit) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return ErrnoStatus(errno, "cannot read", path);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "cannot read", path);
  if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, "cannot read", path);
  std::string content;
  if (info.st_size > 0) {
    content.reserve(std::min<uint64_t>(static_cast<uint64_t>(info.st_size), limit) + 1);
  }
  char buffer[64 << 10];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "cannot read", path);
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > limit) {
      return absl::ResourceExhaustedError(
          absl::StrCat("'", path, "' is larger than ", limit, " bytes"));
    }
  }
}

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ErrnoStatus(errno, "cannot write", absl::StrCat("fd ", fd));
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status WriteFile(const std::string& path, absl::string_view content, mode_t mode) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.is_open()) return ErrnoStatus(errno, "cannot write", path);
  return Annotate(WriteAll(fd.get(), content), path);
}

absl::Status WriteFileAtomic(const std::string& path, absl::string_view content, mode_t mode) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.is_open()) return ErrnoStatus(errno, "cannot write", path);
  absl::Status status = WriteAll(fd.get(), content);
  if (status.ok() && fchmod(fd.get(), mode) != 0) status = ErrnoStatus(errno, "cannot write", path);
  if (status.ok() && fdatasync(fd.get()) != 0) status = ErrnoStatus(errno, "cannot sync", path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, "cannot replace", path);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return Annotate(status, path);
  }
  return SyncDir(ParentOf(path));
}

bool Exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

absl::Status MakeDirs(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0) return absl::OkStatus();
  if (errno == EEXIST) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return absl::OkStatus();
    return ErrnoStatus(EEXIST, "cannot make folder", path);
  }
  if (errno != ENOENT) return ErrnoStatus(errno, "cannot make folder", path);
  const std::string parent = ParentOf(path);
  if (parent == path) return ErrnoStatus(ENOENT, "cannot make folder", path);
  GRANGE_RETURN_IF_ERROR(MakeDirs(parent, mode));
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "cannot make folder", path);
  }
  return absl::OkStatus();
}

absl::Status SyncDir(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return ErrnoStatus(errno, "cannot sync folder", path);
  if (fsync(fd.get()) != 0) return ErrnoStatus(errno, "cannot sync folder", path);
  return absl::OkStatus();
}

absl::Status RemoveTree(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "cannot remove", path);
  fchmod(fd, 0700);
  GRANGE_RETURN_IF_ERROR(RemoveBelow(fd, path));
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, "cannot remove", path);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListDir(const std::string& path) {
  DirHandle dir(opendir(path.c_str()));
  if (dir == nullptr) return ErrnoStatus(errno, "cannot list", path);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(dir.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::string> MakeTempDir(absl::string_view prefix) {
  const char* base = getenv("TMPDIR");
  std::string path =
      JoinPath(base != nullptr && *base != '\0' ? base : "/tmp", absl::StrCat(prefix, ".XXXXXX"));
  if (mkdtemp(path.data()) == nullptr) return ErrnoStatus(errno, "cannot make folder", path);
  return path;
}

std::string JoinPath(absl::string_view a, absl::string_view b) {
  if (a.empty()) return std::string(b);
  if (absl::EndsWith(a, "/")) return absl::StrCat(a, b);
  return absl::StrCat(a, "/", b);
}

absl::StatusOr<std::string> RealPath(const std::string& path) {
  char buffer[PATH_MAX];
  if (realpath(path.c_str(), buffer) == nullptr) return ErrnoStatus(errno, "cannot find", path);
  return std::string(buffer);
}

absl::StatusOr<std::string> ReadFileBelow(const std::string& dir, absl::string_view path,
                                          uint64_t limit) {
  const absl::Status missing =
      absl::NotFoundError(absl::StrCat("there is no '", path, "' in '", dir, "'"));
  const absl::StatusOr<std::string> root = RealPath(dir);
  const absl::StatusOr<std::string> full = RealPath(JoinPath(dir, path));
  if (!root.ok() || !full.ok()) return missing;
  if (!absl::StartsWith(*full, absl::StrCat(*root, "/"))) return missing;
  return ReadFile(*full, limit);
}

absl::StatusOr<uint64_t> FreeBytes(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return ErrnoStatus(errno, "cannot ask for space of", path);
  return uint64_t{info.f_bavail} * info.f_frsize;
}

absl::StatusOr<LockFile> LockFile::Acquire(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) return ErrnoStatus(errno, "cannot lock", path);
  for (int tries = 0; flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    const bool taken = errno == EWOULDBLOCK;
    const std::string holder = HolderOf(fd.get());
    // A process that was killed while it started another one: the copy of the descriptor in that
    // one keeps the lock until it runs its own program.
    if (taken && IsDead(holder) && tries < kDeadHolderTries) {
      poll(nullptr, 0, kDeadHolderWaitMs);
      continue;
    }
    return absl::AlreadyExistsError(absl::StrCat("'", ParentOf(path),
                                                 "' is used by another process (pid ", holder,
                                                 "); stop that one, or choose another --state"));
  }
  const std::string pid = absl::StrCat(getpid());
  if (ftruncate(fd.get(), 0) != 0 ||
      pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return ErrnoStatus(errno, "cannot write", path);
  }
  return LockFile(std::move(fd));
}

}  // namespace grange::os
