#ifndef GRANGE_AGENT_TRACE_MARK_READER_H_
#define GRANGE_AGENT_TRACE_MARK_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/shim/output_mark.h"
#include "common/os/unique_fd.h"

namespace grange::trace {

// Reads the file `marks` of a job's folder (docs/formats/job-folder.md), which may grow meanwhile
// or not be there: then there are none. Not thread-safe; reads from the page cache.
class MarkReader {
 public:
  explicit MarkReader(std::string path) : path_(std::move(path)) {}  // "": there never are any

  // The next one, nullptr if there is none yet. Valid until the next call.
  const shim::OutputMark* Next();
  // What Next() gave is done with.
  void Skip() { ++at_; }
  // Next() is now the first mark at or beyond `offset`, or one up to `again` marks before it.
  void Rewind(uint64_t offset, size_t again);

 private:
  bool Open();
  // Up to `count` marks from the file's `first` on into block_.
  void Fill(uint64_t first, size_t count);

  const std::string path_;
  os::UniqueFd fd_;
  std::vector<shim::OutputMark> block_;
  uint64_t first_ = 0;  // of block_, in the file
  size_t at_ = 0;       // in block_
};

}  // namespace grange::trace

#endif  // GRANGE_AGENT_TRACE_MARK_READER_H_
