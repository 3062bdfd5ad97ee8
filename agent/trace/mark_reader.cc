#include "agent/trace/mark_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace grange::trace {
namespace {

constexpr size_t kMarkBytes = sizeof(shim::OutputMark);
constexpr size_t kBlockMarks = 128;

}  // namespace

const shim::OutputMark* MarkReader::Next() {
  if (at_ >= block_.size()) Fill(first_ + at_, kBlockMarks);
  return at_ < block_.size() ? &block_[at_] : nullptr;
}

void MarkReader::Rewind(uint64_t offset, size_t again) {
  uint64_t from = 0;
  struct stat info {};
  if (Open() && ::fstat(fd_.get(), &info) == 0) {
    uint64_t to = static_cast<uint64_t>(info.st_size) / kMarkBytes;
    while (from < to) {
      const uint64_t middle = from + (to - from) / 2;
      Fill(middle, 1);
      if (!block_.empty() && block_[0].offset < offset) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
  }
  first_ = from - std::min<uint64_t>(from, again);
  at_ = 0;
  block_.clear();
}

bool MarkReader::Open() {
  if (!fd_.is_open() && !path_.empty()) fd_.Reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  return fd_.is_open();
}

void MarkReader::Fill(uint64_t first, size_t count) {
  first_ = first;
  at_ = 0;
  block_.clear();
  if (!Open()) return;
  block_.resize(count);
  const ssize_t got =
      ::pread(fd_.get(), block_.data(), count * kMarkBytes, static_cast<off_t>(first * kMarkBytes));
  block_.resize(got > 0 ? static_cast<size_t>(got) / kMarkBytes : 0);
  block_.erase(std::find_if_not(block_.begin(), block_.end(), &shim::IsWhole), block_.end());
}

}  // namespace grange::trace
