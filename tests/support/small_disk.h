#ifndef GRANGE_TESTS_SUPPORT_SMALL_DISK_H_
#define GRANGE_TESTS_SUPPORT_SMALL_DISK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grange::test {

// From now on what this thread mounts, and the threads and processes that it starts, is seen by
// them alone and goes with the last of them. kPermissionDenied without root. Before the first
// thread is started.
absl::Status EnterOwnMounts();

// A small file system in memory on a folder, gone with the object. After EnterOwnMounts().
class SmallDisk {
 public:
  // Makes the folder if there is none.
  static absl::StatusOr<std::unique_ptr<SmallDisk>> Mount(const std::string& path,
                                                          uint64_t size_bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

// Takes all space that is left on the file system of `path`, in a file of that name, until it goes.
class Filler {
 public:
  explicit Filler(std::string path);
  ~Filler();
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

 private:
  const std::string path_;
};

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_SMALL_DISK_H_
