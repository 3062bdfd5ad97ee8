#include "coordinator/store/log_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/store/page_sum.h"

// The formats of both files: https://www.sqlite.org/walformat.html
namespace grange::store {
namespace {

constexpr uint32_t kLogMagic = 0x377f0682;  // with checksums in our byte order
constexpr uint32_t kLogVersion = 3007000;
constexpr size_t kLogHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;
constexpr uint32_t kPageBytesMax = 65536;

// The start of the shared memory's file, in the machine's byte order.
struct IndexHeader {
  uint32_t version;
  uint32_t unused;
  uint32_t changes;
  uint8_t is_made;
  uint8_t big_endian_sums;
  uint16_t page_bytes;
  uint32_t frames;  // that are committed
  uint32_t pages;
  uint32_t last_sum[2];
  unsigned char salts[8];  // as the log has them
  PageSum sum;             // of what is above
};
static_assert(sizeof(IndexHeader) == 48);

struct Index {
  uint32_t frames = 0;  // of the log, committed
  uint32_t moved = 0;   // of them are in the database
  std::string salts;    // of the log they are in
};

// False: the file ends before.
absl::StatusOr<bool> ReadAt(const os::UniqueFd& fd, const std::string& path, void* to, size_t size,
                            uint64_t at) {
  char* rest = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = ::pread(fd.get(), rest, size, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os::ErrnoStatus(errno, "cannot read", path);
    if (got == 0) return false;
    rest += got;
    size -= static_cast<size_t>(got);
    at += static_cast<uint64_t>(got);
  }
  return true;
}

// None: the file isn't there.
absl::StatusOr<std::optional<os::UniqueFd>> OpenIfThere(const std::string& path) {
  os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.is_open()) return std::optional<os::UniqueFd>(std::move(fd));
  if (errno == ENOENT) return std::optional<os::UniqueFd>();
  return os::ErrnoStatus(errno, "cannot open", path);
}

// No frames: nothing is known of any. SQLite writes one copy of the header after the other, so that
// two equal ones are whole.
absl::StatusOr<Index> ReadIndex(const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const std::optional<os::UniqueFd> fd, OpenIfThere(path));
  if (!fd.has_value()) return Index();
  struct {
    IndexHeader copies[2];
    uint32_t moved;
  } start;
  GRANGE_ASSIGN_OR_RETURN(const bool there, ReadAt(*fd, path, &start, sizeof(start), 0));
  const IndexHeader& header = start.copies[0];
  const bool whole = there && std::memcmp(&header, &start.copies[1], sizeof(header)) == 0 &&
                     header.is_made == 1 && header.version == kLogVersion &&
                     header.sum == AddTo({}, &header, offsetof(IndexHeader, sum));
  if (!whole) return Index();
  return Index{.frames = header.frames,
               .moved = start.moved,
               .salts = std::string(reinterpret_cast<const char*>(header.salts), 8)};
}

class LogReader {
 public:
  LogReader(const os::UniqueFd& fd, const std::string& path) : fd_(fd), path_(path) {}

  // False: SQLite will take the log for an empty one.
  absl::StatusOr<bool> ReadHeader() {
    GRANGE_ASSIGN_OR_RETURN(const bool there, ReadAt(fd_, path_, header_, sizeof(header_), 0));
    const uint32_t page_bytes = BigEndian(header_ + 8);
    const bool page_size = page_bytes >= 512 && page_bytes <= kPageBytesMax &&
                           (page_bytes & (page_bytes - 1)) == 0;
    if (!there || BigEndian(header_) != kLogMagic || BigEndian(header_ + 4) != kLogVersion ||
        !page_size || !(AddTo({}, header_, 24) == StoredSum(header_ + 24))) {
      return false;
    }
    frame_.resize(kFrameHeaderBytes + page_bytes);
    return true;
  }

  absl::string_view salts() const {
    return absl::string_view(reinterpret_cast<const char*>(header_) + 16, 8);
  }
  size_t frame_bytes() const { return frame_.size(); }

  // The frames up to the last commit of those that SQLite will read.
  absl::StatusOr<uint64_t> CountCommitted() {
    PageSum sum = StoredSum(header_ + 24);
    uint64_t committed = 0;
    for (uint64_t frame = 0;; ++frame) {
      GRANGE_ASSIGN_OR_RETURN(const bool there,
                              ReadAt(fd_, path_, frame_.data(), frame_.size(),
                                     kLogHeaderBytes + frame * frame_.size()));
      if (!there || std::memcmp(frame_.data() + 8, header_ + 16, 8) != 0) return committed;
      sum = AddTo(sum, frame_.data(), 8);
      sum = AddTo(sum, frame_.data() + kFrameHeaderBytes, frame_.size() - kFrameHeaderBytes);
      const bool names_page = BigEndian(frame_.data()) != 0;
      if (!names_page || !(sum == StoredSum(frame_.data() + 16))) return committed;
      if (BigEndian(frame_.data() + 4) != 0) committed = frame + 1;
    }
  }

 private:
  const os::UniqueFd& fd_;
  const std::string& path_;
  unsigned char header_[kLogHeaderBytes];
  std::vector<unsigned char> frame_;
};

absl::Status Damaged(const std::string& log, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "the log '", log, "' of the database is damaged: ", what,
      "; bring back a copy with 'grangectl backup restore'"));
}

}  // namespace

absl::Status CheckLog(const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const Index index, ReadIndex(path + "-shm"));
  if (index.frames == 0) return absl::OkStatus();
  const std::string log = path + "-wal";
  GRANGE_ASSIGN_OR_RETURN(const std::optional<os::UniqueFd> fd, OpenIfThere(log));
  if (!fd.has_value()) {
    return index.moved >= index.frames ? absl::OkStatus() : Damaged(log, "the file is missing");
  }
  LogReader reader(*fd, log);
  GRANGE_ASSIGN_OR_RETURN(const bool has_header, reader.ReadHeader());
  if (!has_header) return Damaged(log, "its header does not fit its checksum");
  // Another log than the one that the memory's file tells of, such as after a power loss.
  if (index.salts != reader.salts()) return absl::OkStatus();
  // Also if the rest is in the database already: SQLite would let older pages of the log cover it.
  GRANGE_ASSIGN_OR_RETURN(const uint64_t committed, reader.CountCommitted());
  if (committed >= index.frames) return absl::OkStatus();
  return Damaged(log, absl::StrCat("the first ", committed, " of ", index.frames,
                                   " committed pages can be read, up to byte ",
                                   kLogHeaderBytes + committed * reader.frame_bytes()));
}

}  // namespace grange::store
