#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/workspace/artifact_archive.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::workspace {
namespace {

constexpr size_t kNameMax = 4096;
constexpr size_t kComponentsMax = 200;

struct ReadFree {
  void operator()(struct archive* a) const { archive_read_free(a); }
};

absl::Status Refused(absl::string_view name, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("entry '", name, "' of the archive ", why));
}

// The folders and the last name of an entry's path, checked.
absl::StatusOr<std::vector<std::string>> Components(absl::string_view name) {
  if (name.empty() || name.size() > kNameMax) return Refused(name, "has no usable name");
  if (name[0] == '/') return Refused(name, "has an absolute name");
  std::vector<std::string> out;
  for (const absl::string_view part : absl::StrSplit(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return Refused(name, "has '..' in its name");
    out.emplace_back(part);
  }
  if (out.empty() || out.size() > kComponentsMax) return Refused(name, "has no usable name");
  if (out[0] == ".git") return Refused(name, "is part of git's own folder");
  return out;
}

// A link may climb with leading ".." up to the root, never above it, and not after it has gone
// down: what it goes down through could be a link itself. So by induction every link stays inside.
absl::Status CheckLink(absl::string_view name, absl::string_view target, size_t folders_above) {
  if (target.empty() || target.size() > kNameMax) return Refused(name, "is a link to nowhere");
  if (target[0] == '/') return Refused(name, "is a link with an absolute target");
  size_t climbs = 0;
  bool down = false;
  for (const absl::string_view part : absl::StrSplit(target, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      down = true;
    } else if (down || ++climbs > folders_above) {
      return Refused(name, "is a link that leads out of the work tree");
    }
  }
  return absl::OkStatus();
}

class TreeReader {
 public:
  TreeReader(struct archive* in, os::UniqueFd root, const ArchiveLimits& limits,
             Cancellation& cancellation, const std::optional<Owner>& owner)
      : in_(in),
        root_(std::move(root)),
        limits_(limits),
        cancellation_(cancellation),
        owner_(owner) {}

  absl::Status Run() {
    archive_entry* entry = nullptr;
    while (true) {
      if (cancellation_.canceled()) return absl::CancelledError("canceled");
      const int got = archive_read_next_header(in_, &entry);
      if (got == ARCHIVE_EOF) break;
      if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return Damaged();
      if (++entries_ > limits_.entries) {
        return absl::ResourceExhaustedError(
            absl::StrCat("the archive has more than ", limits_.entries, " entries"));
      }
      GRANGE_RETURN_IF_ERROR(Take(entry));
    }
    // Links last: nothing of this archive can be written through one of them.
    for (const Link& link : links_) GRANGE_RETURN_IF_ERROR(MakeLink(link));
    return absl::OkStatus();
  }

 private:
  struct Link {
    std::vector<std::string> path;
    std::string target;
  };

  absl::Status Damaged() {
    const char* text = archive_error_string(in_);
    return absl::DataLossError(
        absl::StrCat("the archive is damaged: ", text == nullptr ? "unknown error" : text));
  }

  absl::Status Take(archive_entry* entry);
  absl::Status TakeFile(const std::vector<std::string>& path, mode_t mode);
  absl::Status Count(uint64_t bytes);
  absl::Status MakeLink(const Link& link);
  // Opens the folder of `path`'s last name, making what is missing; never through a link.
  absl::StatusOr<os::UniqueFd> Parent(const std::vector<std::string>& path, size_t folders);
  absl::Status Give(int fd, const std::string& name) const;
  // Makes room for a new file or link.
  absl::Status RemoveOld(int dir, const std::vector<std::string>& path);

  struct archive* in_;
  os::UniqueFd root_;
  const ArchiveLimits limits_;
  Cancellation& cancellation_;
  const std::optional<Owner> owner_;
  std::vector<Link> links_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
};

absl::Status TreeReader::Take(archive_entry* entry) {
  const char* raw_name = archive_entry_pathname(entry);
  const std::string name = raw_name == nullptr ? "" : raw_name;
  if (archive_entry_filetype(entry) == AE_IFDIR && (name == "." || name == "./")) {
    return absl::OkStatus();
  }
  GRANGE_ASSIGN_OR_RETURN(std::vector<std::string> path, Components(name));
  if (archive_entry_hardlink(entry) != nullptr) return Refused(name, "is a hard link");
  const mode_t mode = archive_entry_perm(entry) & 0777;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return TakeFile(path, mode);
    case AE_IFDIR: {
      GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd dir, Parent(path, path.size()));
      // Whatever the archive says, what comes next must get in.
      if (::fchmod(dir.get(), mode | 0700) != 0) return os::ErrnoStatus(errno, "chmod", name);
      return absl::OkStatus();
    }
    case AE_IFLNK: {
      const char* target = archive_entry_symlink(entry);
      GRANGE_RETURN_IF_ERROR(CheckLink(name, target == nullptr ? "" : target, path.size() - 1));
      links_.push_back({std::move(path), target});
      return absl::OkStatus();
    }
    default:
      return Refused(name, "is neither a file, a folder nor a link");
  }
}

absl::StatusOr<os::UniqueFd> TreeReader::Parent(const std::vector<std::string>& path,
                                                size_t folders) {
  os::UniqueFd dir(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  for (size_t i = 0; i < folders; ++i) {
    const bool made = ::mkdirat(dir.get(), path[i].c_str(), 0755) == 0;
    if (!made && errno != EEXIST) return os::ErrnoStatus(errno, "make folder", path[i]);
    os::UniqueFd next(
        ::openat(dir.get(), path[i].c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.is_open()) {
      if (errno == ENOTDIR || errno == ELOOP) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", path[i],
                         "' in the work tree is a file or a link, but the archive "
                         "has a folder of that name"));
      }
      return os::ErrnoStatus(errno, "open", path[i]);
    }
    if (made) GRANGE_RETURN_IF_ERROR(Give(next.get(), path[i]));
    dir = std::move(next);
  }
  return dir;
}

absl::Status TreeReader::Give(int fd, const std::string& name) const {
  if (!owner_ || ::fchown(fd, owner_->uid, owner_->gid) == 0) return absl::OkStatus();
  return os::ErrnoStatus(errno, "give to the job's user", name);
}

absl::Status TreeReader::RemoveOld(int dir, const std::vector<std::string>& path) {
  if (::unlinkat(dir, path.back().c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno == EISDIR || errno == EPERM) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path.back(), "' in the work tree is a folder, but not in the archive"));
  }
  return os::ErrnoStatus(errno, "replace", path.back());
}

absl::Status TreeReader::Count(uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ > limits_.bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the archive expands to more than ", limits_.bytes, " bytes"));
  }
  const auto packed = static_cast<uint64_t>(std::max<la_int64_t>(archive_filter_bytes(in_, -1), 1));
  if (bytes_ > limits_.ratio_from && bytes_ / packed > limits_.ratio) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the archive expands to more than ", limits_.ratio, " times its size"));
  }
  return absl::OkStatus();
}

absl::Status TreeReader::TakeFile(const std::vector<std::string>& path, mode_t mode) {
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd dir, Parent(path, path.size() - 1));
  GRANGE_RETURN_IF_ERROR(RemoveOld(dir.get(), path));
  const os::UniqueFd file(::openat(dir.get(), path.back().c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.is_open()) return os::ErrnoStatus(errno, "create", path.back());
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  la_int64_t at = 0;
  while (true) {
    if (cancellation_.canceled()) return absl::CancelledError("canceled");
    const int got = archive_read_data_block(in_, &block, &size, &offset);
    if (got == ARCHIVE_EOF) break;
    if (got != ARCHIVE_OK) return Damaged();
    if (offset < at) return Damaged();
    // A hole counts as well: it is unpacked bytes to whoever reads the file.
    GRANGE_RETURN_IF_ERROR(Count(static_cast<uint64_t>(offset - at) + size));
    if (offset > at && ::lseek(file.get(), offset, SEEK_SET) < 0) {
      return os::ErrnoStatus(errno, "seek", path.back());
    }
    GRANGE_RETURN_IF_ERROR(
        os::WriteAll(file.get(), absl::string_view(static_cast<const char*>(block), size)));
    at = offset + static_cast<la_int64_t>(size);
  }
  GRANGE_RETURN_IF_ERROR(Give(file.get(), path.back()));
  if (::fchmod(file.get(), mode) != 0) return os::ErrnoStatus(errno, "chmod", path.back());
  return absl::OkStatus();
}

absl::Status TreeReader::MakeLink(const Link& link) {
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd dir, Parent(link.path, link.path.size() - 1));
  GRANGE_RETURN_IF_ERROR(RemoveOld(dir.get(), link.path));
  if (::symlinkat(link.target.c_str(), dir.get(), link.path.back().c_str()) != 0) {
    return os::ErrnoStatus(errno, "link", link.path.back());
  }
  if (owner_ && ::fchownat(dir.get(), link.path.back().c_str(), owner_->uid, owner_->gid,
                           AT_SYMLINK_NOFOLLOW) != 0) {
    return os::ErrnoStatus(errno, "give to the job's user", link.path.back());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ExtractArchive(const std::string& archive, const std::string& root,
                            const ArchiveLimits& limits, Cancellation& cancellation,
                            const std::optional<Owner>& owner) {
  os::UniqueFd root_fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root_fd.is_open()) return os::ErrnoStatus(errno, "open", root);
  const std::unique_ptr<struct archive, ReadFree> in(archive_read_new());
  if (archive_read_support_format_tar(in.get()) != ARCHIVE_OK ||
      archive_read_support_filter_zstd(in.get()) != ARCHIVE_OK ||
      archive_read_open_filename(in.get(), archive.c_str(), 64 << 10) != ARCHIVE_OK) {
    return absl::DataLossError(
        absl::StrCat("'", archive, "' is no archive: ", archive_error_string(in.get())));
  }
  return TreeReader(in.get(), std::move(root_fd), limits, cancellation, owner).Run();
}

}  // namespace grange::workspace
