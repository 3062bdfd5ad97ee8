#include "agent/shim/log_sync.h"

#include <unistd.h>

#include <cerrno>

namespace grange::shim {
namespace {

// What a disk without space does not take is tried again with the next sync.
bool IsForGood(int error) { return error != ENOSPC && error != EDQUOT; }

}  // namespace

void LogSync::Grown(uint64_t now) {
  if (due_ == kNever) due_ = now + kEveryMs;
}

int LogSync::Keep(int fd, uint64_t now) {
  if (now >= due_) {
    if (running_) {
      due_ = now + kEveryMs;
    } else {
      Join();
      due_ = kNever;
      running_ = true;
      thread_ = std::thread([this, fd] {
        if (fdatasync(fd) != 0 && IsForGood(errno)) error_ = errno;
        running_ = false;
      });
    }
  }
  return error_;
}

int LogSync::Finish(int fd, uint64_t started, uint64_t now) {
  Join();
  if (due_ != kNever && now >= started + kEveryMs && fdatasync(fd) != 0 && IsForGood(errno)) {
    error_ = errno;
  }
  due_ = kNever;
  return error_;
}

void LogSync::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace grange::shim
