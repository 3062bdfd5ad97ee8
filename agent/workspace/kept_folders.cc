#include "agent/workspace/kept_folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "agent/workspace/tree_size.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::workspace {
namespace {

// No project's work tree begins with a dot.
constexpr absl::string_view kAside = ".gone-";
constexpr absl::string_view kVariableFiles = ".files";

std::vector<std::string> NamesIn(const std::string& folder) {
  return os::ListDir(folder).value_or(std::vector<std::string>());
}

// mirrors and each slot.
std::vector<std::string> Parents(const std::string& state_dir) {
  std::vector<std::string> parents = {os::JoinPath(state_dir, "mirrors")};
  const std::string workspaces = os::JoinPath(state_dir, "workspaces");
  for (const std::string& slot : NamesIn(workspaces)) {
    if (std::ranges::all_of(slot, absl::ascii_isdigit)) {
      parents.push_back(os::JoinPath(workspaces, slot));
    }
  }
  return parents;
}

absl::Time ModifiedAt(const struct stat& info) { return absl::TimeFromTimespec(info.st_mtim); }

// The work tree may hold whatever a job has put there: nothing is waited for, and what isn't as
// PrepareWorkTree() makes it counts as none. Trees of other users never borrow.
std::string MirrorOf(const std::string& work_tree, const struct stat& info) {
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid()) return "";
  const os::UniqueFd file(::open(absl::StrCat(work_tree, "/.git/objects/info/alternates").c_str(),
                                 O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat file_info {};
  if (!file.is_open() || ::fstat(file.get(), &file_info) != 0 || !S_ISREG(file_info.st_mode)) {
    return "";
  }
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size <= 0) return "";
  absl::string_view line(buffer.data(), static_cast<size_t>(size));
  line = line.substr(0, line.find('\n'));
  return absl::ConsumeSuffix(&line, "/objects") ? std::string(line) : "";
}

std::optional<KeptFolder> Look(KeptKind kind, const std::string& path, absl::Time now) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  if (ModifiedAt(info) > now) {
    NoteUse(path);
    if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  }
  KeptFolder folder{.kind = kind, .path = path, .last_use = ModifiedAt(info), .mirror = ""};
  if (kind == KeptKind::kWorkTree) folder.mirror = MirrorOf(path, info);
  return folder;
}

}  // namespace

void NoteUse(const std::string& path) {
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                             {.tv_sec = 0, .tv_nsec = UTIME_NOW}};
  // Not there, or on a disk that takes nothing now: then it looks older than it is.
  (void)::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

std::vector<KeptFolder> ListKept(const std::string& state_dir, const KeepLimits& limits,
                                 absl::Time now, const std::atomic<bool>& stop) {
  std::vector<KeptFolder> folders;
  const std::vector<std::string> parents = Parents(state_dir);
  for (const std::string& parent : parents) {
    const KeptKind kind = &parent == &parents.front() ? KeptKind::kMirror : KeptKind::kWorkTree;
    for (const std::string& name : NamesIn(parent)) {
      if (stop) return folders;
      if (absl::StartsWith(name, kAside) || name == kVariableFiles) continue;
      std::optional<KeptFolder> folder = Look(kind, os::JoinPath(parent, name), now);
      if (!folder.has_value()) continue;
      if (limits.Of(kind).bytes != kNoSizeLimit) {
        folder->bytes = BytesChangedSince(folder->path, absl::InfinitePast());
      }
      folders.push_back(*std::move(folder));
    }
  }
  return folders;
}

absl::StatusOr<std::string> PutAside(const KeptFolder& folder, absl::Time now) {
  struct stat info {};
  if (::lstat(folder.path.c_str(), &info) != 0 || ModifiedAt(info) != folder.last_use) {
    return absl::NotFoundError(absl::StrCat("'", folder.path, "' is gone or was used"));
  }
  const size_t slash = folder.path.rfind('/');
  const std::string aside = absl::StrCat(folder.path.substr(0, slash + 1), kAside, info.st_ino, "-",
                                         absl::ToUnixNanos(now));
  if (std::rename(folder.path.c_str(), aside.c_str()) == 0) return aside;
  return os::ErrnoStatus(errno, "cannot put aside", folder.path);
}

std::vector<std::string> LeftAside(const std::string& state_dir) {
  std::vector<std::string> left;
  for (const std::string& parent : Parents(state_dir)) {
    for (const std::string& name : NamesIn(parent)) {
      if (absl::StartsWith(name, kAside)) left.push_back(os::JoinPath(parent, name));
    }
  }
  return left;
}

}  // namespace grange::workspace
