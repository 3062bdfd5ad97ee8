#ifndef GRANGE_TESTS_SUPPORT_TCP_RELAY_H_
#define GRANGE_TESTS_SUPPORT_TCP_RELAY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "common/os/unique_fd.h"

namespace grange::test {

// A port on loopback that passes one connection on to another port, until it is told to freeze:
// then no byte goes either way any more and no end is closed, as on a line whose far side lost its
// power.
class TcpRelay {
 public:
  static absl::StatusOr<std::unique_ptr<TcpRelay>> Start(uint16_t to_port);
  ~TcpRelay();
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  uint16_t port() const { return port_; }

  // Returns when nothing passes any more. For ever.
  void Freeze();

 private:
  TcpRelay() = default;

  void Pass(uint16_t to_port);

  uint16_t port_ = 0;
  os::UniqueFd listener_, near_, far_, freeze_event_;
  std::thread thread_;
};

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_TCP_RELAY_H_
