#ifndef GRANGE_COORDINATOR_SERVER_DISK_RESERVE_H_
#define GRANGE_COORDINATOR_SERVER_DISK_RESERVE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/base/mutex.h"

namespace grange::server {

// A file in the state directory that takes some of the disk's space as long as there is any. When
// the disk is full it is removed, so that what must be recorded (the results of jobs) still can be;
// everything else waits until it is whole again. Thread-safe, but TakeBack() and GiveUp() are for
// one thread: the performer's, which others tell of a full disk with ReportFull().
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

  // Something could not be stored for want of space.
  void ReportFull(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // Who hears of it, on the reporting thread; it must not block. None: nobody any more.
  void SetOnFull(std::function<void(const absl::Status&)> on_full) ABSL_LOCKS_EXCLUDED(mu_);

  // Its size; so much free space is of no use to anybody else.
  uint64_t bytes() const { return bytes_; }

 private:
  const std::string path_;
  const uint64_t bytes_;
  std::atomic<bool> whole_{false};
  base::Mutex mu_;
  std::function<void(const absl::Status&)> on_full_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_DISK_RESERVE_H_
