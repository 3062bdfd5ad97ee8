#include "coordinator/backup/copy_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"

namespace grange::backup {
namespace {

// Reads all of `fd`; writes it to `out` if that is not -1.
absl::StatusOr<BackupFile> Pass(int fd, int out, const std::string& path) {
  BackupFile file{.path = path, .size = 0, .sha256 = {}};
  os::Sha256 hash;
  std::string buffer(1 << 20, '\0');
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os::ErrnoStatus(errno, "cannot read", path);
    if (got == 0) break;
    const absl::string_view bytes(buffer.data(), static_cast<size_t>(got));
    hash.Update(bytes);
    file.size += bytes.size();
    if (out >= 0) GRANGE_RETURN_IF_ERROR(os::WriteAll(out, bytes));
  }
  file.sha256 = absl::BytesToHexString(hash.Digest());
  return file;
}

absl::StatusOr<os::UniqueFd> OpenToRead(const std::string& path) {
  os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  return fd;
}

}  // namespace

absl::StatusOr<BackupFile> CopyFile(const std::string& from, const std::string& to,
                                    const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd in, OpenToRead(os::JoinPath(from, path)));
  struct stat facts {};
  if (::fstat(in.get(), &facts) != 0) return os::ErrnoStatus(errno, "cannot look at", path);
  const std::string target = os::JoinPath(to, path);
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(target.substr(0, target.rfind('/'))));
  const os::UniqueFd out(::open(target.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
                                facts.st_mode & 0777));
  if (!out.is_open()) return os::ErrnoStatus(errno, "cannot make", target);
  GRANGE_ASSIGN_OR_RETURN(BackupFile file, Pass(in.get(), out.get(), path));
  if (::fdatasync(out.get()) != 0) return os::ErrnoStatus(errno, "cannot sync", target);
  return file;
}

absl::StatusOr<BackupFile> DescribeFile(const std::string& folder, const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd in, OpenToRead(os::JoinPath(folder, path)));
  return Pass(in.get(), -1, path);
}

absl::StatusOr<std::vector<std::string>> FilesBelow(const std::string& root,
                                                    const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator it(os::JoinPath(root, folder), error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;  // of a file that goes meanwhile
    if (it->symlink_status(ignored).type() == fs::file_type::regular) {
      paths.push_back(fs::relative(it->path(), root, ignored).string());
    }
  }
  if (error && error.value() != ENOENT) {
    return os::ErrnoStatus(error.value(), "cannot list", os::JoinPath(root, folder));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace grange::backup
