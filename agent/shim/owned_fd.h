#ifndef GRANGE_AGENT_SHIM_OWNED_FD_H_
#define GRANGE_AGENT_SHIM_OWNED_FD_H_

#include <unistd.h>

#include <utility>

namespace grange::shim {

// Owns a file descriptor and closes it. (os::UniqueFd lives in a library with Abseil in it.)
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~OwnedFd() { Reset(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_OWNED_FD_H_
