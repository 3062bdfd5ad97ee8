#ifndef GRANGE_COORDINATOR_TRACE_TRACE_FILE_H_
#define GRANGE_COORDINATOR_TRACE_TRACE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"

namespace grange::trace {

// The file of one attempt that is being written. Not thread-safe: it belongs to the writing
// thread.
class TraceFile {
 public:
  // Opens or makes it and cuts it to `length` bytes; if it is shorter, size() says so.
  static absl::StatusOr<TraceFile> Open(const std::string& path, uint64_t length);

  uint64_t size() const { return size_; }
  uint64_t synced() const { return synced_; }

  // All of `bytes`, or none: after an error the file is as it was.
  absl::Status Append(absl::string_view bytes);
  // All bytes so far are on disk. After an error those since the last Sync() are dropped, for
  // nobody knows what became of them.
  absl::Status Sync();
  // Drops what is beyond `length`.
  absl::Status CutTo(uint64_t length);
  // SHA-256 of all bytes; 32 bytes.
  absl::StatusOr<std::string> Digest();
  // Of the first `length` bytes, which there must be; reads them all.
  absl::StatusOr<std::string> DigestOfFirst(uint64_t length) const;

 private:
  TraceFile(std::string path, os::UniqueFd fd, uint64_t size);
  // Brings hash_ up to size_: after a restart or a cut it begins anew from the file.
  absl::Status CatchUp();
  // Adds the bytes from `from` to `to`.
  absl::Status HashBytes(uint64_t from, uint64_t to, os::Sha256& hash) const;

  std::string path_;
  os::UniqueFd fd_;
  uint64_t size_;
  uint64_t synced_;
  std::unique_ptr<os::Sha256> hash_;
  uint64_t hashed_ = 0;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_TRACE_FILE_H_
