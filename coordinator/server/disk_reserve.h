#ifndef GRANGE_COORDINATOR_SERVER_DISK_RESERVE_H_
#define GRANGE_COORDINATOR_SERVER_DISK_RESERVE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace grange::server {

// A file in the state directory that takes some of the disk's space as long as there is any. When
// the disk is full it is removed, so that what must be recorded (the results of jobs) still can be;
// everything else waits until it is whole again. Thread-safe, but TakeBack() and GiveUp() are for
// one thread.
class DiskReserve {
 public:
  static constexpr uint64_t kBytesMax = 16 << 20;
  static constexpr int kShareOfDisk = 16;  // and no more than this part of the file system

  explicit DiskReserve(const std::string& state_dir);

  // Makes it, if it isn't whole. kResourceExhausted: there is no room for it.
  absl::Status TakeBack();
  // False if it was given up before.
  bool GiveUp();
  bool whole() const { return whole_; }
  // Its size; so much free space is of no use to anybody else.
  uint64_t bytes() const { return bytes_; }

 private:
  const std::string path_;
  const uint64_t bytes_;
  std::atomic<bool> whole_{false};
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_DISK_RESERVE_H_
