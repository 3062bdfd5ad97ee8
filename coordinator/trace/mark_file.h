#ifndef GRANGE_COORDINATOR_TRACE_MARK_FILE_H_
#define GRANGE_COORDINATOR_TRACE_MARK_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/os/unique_fd.h"
#include "coordinator/trace/trace_mark.h"

namespace grange::trace {

// The marks of one attempt that is being written, a file beside its trace
// (docs/formats/trace-file.md). It is not synced: a trace is whole without it. Not thread-safe: it
// belongs to the writing thread.
class MarkFile {
 public:
  // Opens or makes it, and cuts off what makes no sense at its end.
  static absl::StatusOr<MarkFile> Open(const std::string& path);

  // Keeps it, if MarkOrder does and it is none that was kept before. After an error the file is as
  // it was.
  absl::Status Add(const Mark& mark);
  uint64_t size() const { return size_; }

 private:
  MarkFile(std::string path, os::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  os::UniqueFd fd_;
  uint64_t size_ = 0;
  MarkOrder order_;
};

// Some of the marks in the file `path` from its byte `position` on, which becomes that of the next
// ones. None at the end of those that make sense, or if there is no such file.
absl::StatusOr<std::vector<Mark>> ReadSomeMarks(const std::string& path, uint64_t& position);

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_MARK_FILE_H_
