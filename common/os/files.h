#ifndef GRANGE_COMMON_OS_FILES_H_
#define GRANGE_COMMON_OS_FILES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/os/unique_fd.h"

// Files, with errors that name the path. kNotFound for a missing one, kAlreadyExists,
// kPermissionDenied, kResourceExhausted for a full disk or quota, kUnavailable for the rest.
namespace grange::os {

// The error of a failed system call: "<what> '<path>': No such file or directory".
absl::Status ErrnoStatus(int error, absl::string_view what, absl::string_view path);

// The whole file; kResourceExhausted if it is larger than `limit`.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t limit = 64 << 20);
// A new file under another name, synced, renamed over `path`, folder synced: after a crash there is
// the old content or the new, never a mix.
absl::Status WriteFileAtomic(const std::string& path, absl::string_view content,
                             mode_t mode = 0600);
// Overwrites without any care for crashes.
absl::Status WriteFile(const std::string& path, absl::string_view content, mode_t mode = 0600);
// All of `bytes`, through short writes and EINTR.
absl::Status WriteAll(int fd, absl::string_view bytes);

bool Exists(const std::string& path);
// With parents; those that it makes have `mode`.
absl::Status MakeDirs(const std::string& path, mode_t mode = 0700);
absl::Status SyncDir(const std::string& path);
// A file or a whole tree, never through symbolic links; fine if there is none.
absl::Status RemoveTree(const std::string& path);
// Names in a folder, sorted, without "." and "..".
absl::StatusOr<std::vector<std::string>> ListDir(const std::string& path);
absl::StatusOr<std::string> MakeTempDir(absl::string_view prefix);
std::string JoinPath(absl::string_view a, absl::string_view b);
absl::StatusOr<std::string> RealPath(const std::string& path);
// The file at `path` below the folder `dir`. A path that leaves it, also over a link, is kNotFound.
absl::StatusOr<std::string> ReadFileBelow(const std::string& dir, absl::string_view path,
                                          uint64_t limit = 64 << 20);
absl::StatusOr<uint64_t> FreeBytes(const std::string& path);

// Held for the life of a process over its state directory. kAlreadyExists, with the pid of the
// holder in the text, if another process has it. If that one is dead already, a process that it
// was just starting may still hold it: then waits for up to two seconds.
class LockFile {
 public:
  static absl::StatusOr<LockFile> Acquire(const std::string& path);

 private:
  explicit LockFile(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_FILES_H_
