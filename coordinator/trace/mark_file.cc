#include "coordinator/trace/mark_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::trace {
namespace {

constexpr size_t kBlockBytes = 64 << 10;  // a line is much shorter

absl::StatusOr<std::vector<Mark>> ReadBlock(int fd, const std::string& path, uint64_t& position) {
  std::string block(kBlockBytes, '\0');
  ssize_t got = 0;
  do {
    got = ::pread(fd, block.data(), block.size(), static_cast<off_t>(position));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return os::ErrnoStatus(errno, "cannot read", path);
  absl::string_view rest(block.data(), static_cast<size_t>(got));
  std::vector<Mark> marks;
  for (size_t end = rest.find('\n'); end != absl::string_view::npos; end = rest.find('\n')) {
    std::optional<Mark> mark = ParseMark(rest.substr(0, end));
    if (!mark.has_value()) break;
    marks.push_back(*std::move(mark));
    rest.remove_prefix(end + 1);
    position += end + 1;
  }
  return marks;
}

}  // namespace

absl::StatusOr<MarkFile> MarkFile::Open(const std::string& path) {
  os::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  MarkFile file(path, std::move(fd));
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const std::vector<Mark> marks,
                            ReadBlock(file.fd_.get(), path, file.size_));
    if (marks.empty()) break;
    for (const Mark& mark : marks) file.order_.Take(mark);
  }
  if (::ftruncate(file.fd_.get(), static_cast<off_t>(file.size_)) != 0) {
    return os::ErrnoStatus(errno, "cannot cut", path);
  }
  return file;
}

absl::Status MarkFile::Add(const Mark& mark) {
  MarkOrder after = order_;
  if (!after.Take(mark)) return absl::OkStatus();
  const std::string line = FormatMark(mark);
  const ssize_t put = ::pwrite(fd_.get(), line.data(), line.size(), static_cast<off_t>(size_));
  if (put != static_cast<ssize_t>(line.size())) {
    const absl::Status status = os::ErrnoStatus(put < 0 ? errno : ENOSPC, "cannot write", path_);
    // A piece of a line that stays is passed over by readers, and written over by the next one.
    [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(size_));
    return status;
  }
  size_ += line.size();
  order_ = std::move(after);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Mark>> ReadSomeMarks(const std::string& path, uint64_t& position) {
  const os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open() && errno == ENOENT) return std::vector<Mark>();
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  return ReadBlock(fd.get(), path, position);
}

}  // namespace grange::trace
