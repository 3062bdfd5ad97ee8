#ifndef GRANGE_COORDINATOR_TRACE_SEEKABLE_ZSTD_H_
#define GRANGE_COORDINATOR_TRACE_SEEKABLE_ZSTD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/os/unique_fd.h"

namespace grange::trace {

// Writes `from` compressed to `to` (through a temporary file, synced, then renamed): independent
// zstd frames of 256 KiB and an index of them at the end, in Zstandard's published seekable
// format, so that `zstd -d` reads it too.
absl::Status CompressSeekable(const std::string& from, const std::string& to);

// Reads such a file at any offset; decompresses only the frames that it needs. Not thread-safe.
class SeekableReader {
 public:
  // kNotFound; kDataLoss if it is not such a file.
  static absl::StatusOr<SeekableReader> Open(const std::string& path);

  uint64_t size() const { return starts_.empty() ? 0 : starts_.back().plain; }
  // Up to `max` bytes from `offset` on; "" at the end.
  absl::StatusOr<std::string> Read(uint64_t offset, size_t max) const;

 private:
  struct Start {
    uint64_t packed = 0;  // where the frame begins in the file
    uint64_t plain = 0;   // where its bytes begin in the trace
  };
  SeekableReader(std::string path, os::UniqueFd fd, std::vector<Start> starts)
      : path_(std::move(path)), fd_(std::move(fd)), starts_(std::move(starts)) {}

  std::string path_;
  os::UniqueFd fd_;
  std::vector<Start> starts_;  // one more than frames: the last is the end
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_SEEKABLE_ZSTD_H_
