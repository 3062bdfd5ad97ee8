#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/workspace/artifact_archive.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"
#include "common/text/glob.h"

namespace grange::workspace {
namespace {

constexpr int kDepthMax = 200;
constexpr size_t kLinkTargetMax = 4096;

struct WriteFree {
  void operator()(struct archive* a) const { archive_write_free(a); }
};
struct EntryFree {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

// The new file, hashed on its way to the disk.
struct Output {
  os::UniqueFd fd;
  os::Sha256 sha;
  uint64_t size = 0;
};

la_ssize_t WriteBlock(struct archive* a, void* data, const void* buffer, size_t length) {
  Output& out = *static_cast<Output*>(data);
  const absl::string_view bytes(static_cast<const char*>(buffer), length);
  if (const absl::Status status = os::WriteAll(out.fd.get(), bytes); !status.ok()) {
    archive_set_error(a, EIO, "%s", std::string(status.message()).c_str());
    return -1;
  }
  out.sha.Update(bytes);
  out.size += length;
  return static_cast<la_ssize_t>(length);
}

// "./a//b/" and "a/b" are the same path; "" is the root itself.
std::string Clean(absl::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const absl::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == absl::string_view::npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out.push_back('/');
    out.append(part.data(), part.size());
  }
  return out;
}

class TreeWriter {
 public:
  TreeWriter(struct archive* out, const std::string& root, std::vector<std::string> paths,
             std::vector<std::string> exclude, const ArchiveLimits& limits,
             Cancellation& cancellation, const std::optional<Owner>& owner)
      : out_(out),
        root_(root),
        paths_(std::move(paths)),
        exclude_(std::move(exclude)),
        limits_(limits),
        cancellation_(cancellation),
        owner_(owner) {}

  absl::Status Run() {
    os::UniqueFd root(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root.is_open()) return os::ErrnoStatus(errno, "open", root_);
    return Walk(std::move(root), "", std::count(paths_.begin(), paths_.end(), "") > 0, 0);
  }
  uint64_t entries() const { return entries_; }

 private:
  bool Wanted(const std::string& path) const {
    return std::any_of(paths_.begin(), paths_.end(),
                       [&](const std::string& p) { return text::GlobMatches(p, path); });
  }
  bool Excluded(const std::string& path) const {
    return std::any_of(exclude_.begin(), exclude_.end(),
                       [&](const std::string& p) { return text::GlobMatches(p, path); });
  }
  // False if no pattern can match anything below the folder `path`.
  bool MayMatchBelow(const std::string& path) const {
    const auto depth = std::count(path.begin(), path.end(), '/') + 1;
    return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& pattern) {
      // Without "**" (or a list, which may have folders in it) a pattern's depth is fixed.
      if (!absl::StrContains(pattern, "**") && !absl::StrContains(pattern, "{") &&
          std::count(pattern.begin(), pattern.end(), '/') < depth) {
        return false;
      }
      absl::string_view fixed = pattern;
      for (size_t i = 0; i < pattern.size(); ++i) {
        if (text::IsGlob(fixed.substr(i, 1)) || pattern[i] == '\\') {
          fixed = fixed.substr(0, i);
          break;
        }
      }
      const size_t common = std::min(fixed.size(), path.size() + 1);
      return absl::StartsWith(absl::StrCat(path, "/"), fixed.substr(0, common));
    });
  }

  absl::Status Walk(os::UniqueFd dir, const std::string& path, bool inside, int depth);
  absl::Status Visit(int dir, const std::string& name, const std::string& path, bool inside,
                     int depth);
  absl::Status Add(const std::string& path, const struct stat& info, const std::string& target,
                   int fd);
  absl::Status Data(const std::string& path, int fd, uint64_t size);

  struct archive* out_;
  const std::string root_;
  const std::vector<std::string> paths_, exclude_;
  const ArchiveLimits limits_;
  Cancellation& cancellation_;
  const std::optional<Owner> owner_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
};

// `inside`: a folder above was wanted, so everything here is.
absl::Status TreeWriter::Walk(os::UniqueFd dir, const std::string& path, bool inside, int depth) {
  if (depth > kDepthMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("'", path, "' is nested deeper than ", kDepthMax, " folders"));
  }
  const int list_fd = ::fcntl(dir.get(), F_DUPFD_CLOEXEC, 0);
  DIR* list = list_fd < 0 ? nullptr : ::fdopendir(list_fd);
  if (list == nullptr) return os::ErrnoStatus(errno, "list", os::JoinPath(root_, path));
  std::set<std::string> names;  // sorted: the same tree gives the same archive
  while (const dirent* entry = ::readdir(list)) names.insert(entry->d_name);
  ::closedir(list);
  names.erase(".");
  names.erase("..");
  for (const std::string& name : names) {
    if (cancellation_.canceled()) return absl::CancelledError("canceled");
    const std::string child = path.empty() ? name : absl::StrCat(path, "/", name);
    GRANGE_RETURN_IF_ERROR(Visit(dir.get(), name, child, inside, depth));
  }
  return absl::OkStatus();
}

absl::Status TreeWriter::Visit(int dir, const std::string& name, const std::string& path,
                               bool inside, int depth) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? absl::OkStatus() : os::ErrnoStatus(errno, "stat", path);
  }
  const bool wanted = inside || Wanted(path);
  const bool taken = wanted && !Excluded(path);
  if (S_ISLNK(info.st_mode)) {
    if (!taken) return absl::OkStatus();
    char target[kLinkTargetMax];
    const ssize_t length = ::readlinkat(dir, name.c_str(), target, sizeof target);
    if (length < 0) return os::ErrnoStatus(errno, "read link", path);
    return Add(path, info, std::string(target, static_cast<size_t>(length)), -1);
  }
  if (S_ISDIR(info.st_mode)) {
    // Git's own folder is never an artifact of a pattern that only happens to cover it.
    if (path == ".git" || (!wanted && !MayMatchBelow(path))) return absl::OkStatus();
    os::UniqueFd child(
        ::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child.is_open()) return os::ErrnoStatus(errno, "open", path);
    if (taken) GRANGE_RETURN_IF_ERROR(Add(path, info, "", -1));
    return Walk(std::move(child), path, wanted, depth + 1);
  }
  if (!taken || !S_ISREG(info.st_mode)) return absl::OkStatus();
  // Non-blocking, in case a pipe has taken the file's place.
  os::UniqueFd file(::openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) return os::ErrnoStatus(errno, "open", path);
  if (::fstat(file.get(), &info) != 0) return os::ErrnoStatus(errno, "stat", path);
  if (!S_ISREG(info.st_mode)) return absl::OkStatus();
  if (owner_ && info.st_uid != owner_->uid) {
    return absl::PermissionDeniedError(
        absl::StrCat("'", path, "' is a file of another user; make a copy of it"));
  }
  return Add(path, info, "", file.get());
}

absl::Status TreeWriter::Add(const std::string& path, const struct stat& info,
                             const std::string& target, int fd) {
  const uint64_t size = fd >= 0 ? static_cast<uint64_t>(info.st_size) : 0;
  bytes_ += size;
  if (++entries_ > limits_.entries) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", limits_.entries, " files match"));
  }
  if (bytes_ > limits_.bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the files that match have more than ", limits_.bytes, " bytes"));
  }
  const std::unique_ptr<archive_entry, EntryFree> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_mtime(entry.get(), info.st_mtim.tv_sec, 0);
  archive_entry_set_perm(entry.get(), info.st_mode & 0777);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  if (S_ISLNK(info.st_mode)) {
    archive_entry_set_filetype(entry.get(), AE_IFLNK);
    archive_entry_set_symlink(entry.get(), target.c_str());
  } else {
    archive_entry_set_filetype(entry.get(), S_ISDIR(info.st_mode) ? AE_IFDIR : AE_IFREG);
  }
  if (archive_write_header(out_, entry.get()) != ARCHIVE_OK) {
    return absl::UnavailableError(absl::StrCat("'", path, "': ", archive_error_string(out_)));
  }
  return fd >= 0 ? Data(path, fd, size) : absl::OkStatus();
}

// Exactly `size` bytes, whatever happens to the file meanwhile; libarchive fills up with zeros.
absl::Status TreeWriter::Data(const std::string& path, int fd, uint64_t size) {
  static constexpr size_t kBlock = 64 << 10;
  const std::unique_ptr<char[]> block(new char[kBlock]);
  while (size > 0) {
    const ssize_t got = ::read(fd, block.get(), std::min<uint64_t>(size, kBlock));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os::ErrnoStatus(errno, "read", path);
    if (got == 0) break;
    if (archive_write_data(out_, block.get(), static_cast<size_t>(got)) != got) {
      return absl::UnavailableError(absl::StrCat("'", path, "': ", archive_error_string(out_)));
    }
    size -= static_cast<uint64_t>(got);
    if (cancellation_.canceled()) return absl::CancelledError("canceled");
  }
  return absl::OkStatus();
}

std::vector<std::string> CleanAll(const std::vector<std::string>& paths, const std::string& root) {
  std::vector<std::string> out;
  for (absl::string_view path : paths) {
    // "$CI_PROJECT_DIR/report" is a usual way to say "report".
    if (absl::StartsWith(path, absl::StrCat(root, "/"))) path.remove_prefix(root.size() + 1);
    out.push_back(Clean(path));
  }
  return out;
}

}  // namespace

absl::StatusOr<ArchiveInfo> WriteArchive(const std::string& root,
                                         const std::vector<std::string>& paths,
                                         const std::vector<std::string>& exclude,
                                         const std::string& archive, const ArchiveLimits& limits,
                                         Cancellation& cancellation,
                                         const std::optional<Owner>& owner) {
  Output output;
  output.fd.Reset(::open(archive.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!output.fd.is_open()) return os::ErrnoStatus(errno, "create", archive);
  const std::unique_ptr<struct archive, WriteFree> out(archive_write_new());
  // GNU tar: names of any bytes and any length as they are.
  if (archive_write_set_format_gnutar(out.get()) != ARCHIVE_OK ||
      archive_write_add_filter_zstd(out.get()) != ARCHIVE_OK ||
      // No padding: zeros behind the compressed bytes are damage to whoever reads them.
      archive_write_set_bytes_in_last_block(out.get(), 1) != ARCHIVE_OK ||
      archive_write_open(out.get(), &output, nullptr, WriteBlock, nullptr) != ARCHIVE_OK) {
    return absl::UnavailableError(
        absl::StrCat("'", archive, "': ", archive_error_string(out.get())));
  }
  TreeWriter tree(out.get(), root, CleanAll(paths, root), CleanAll(exclude, root), limits,
                  cancellation, owner);
  const absl::Status walked = tree.Run();
  if (walked.ok() && archive_write_close(out.get()) != ARCHIVE_OK) {
    return absl::UnavailableError(
        absl::StrCat("'", archive, "': ", archive_error_string(out.get())));
  }
  if (!walked.ok() || tree.entries() == 0) {
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(archive));
    GRANGE_RETURN_IF_ERROR(walked);
    return ArchiveInfo{};
  }
  return ArchiveInfo{tree.entries(), output.size, output.sha.Digest()};
}

}  // namespace grange::workspace
