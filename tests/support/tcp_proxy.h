#ifndef GRANGE_TESTS_SUPPORT_TCP_PROXY_H_
#define GRANGE_TESTS_SUPPORT_TCP_PROXY_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/mutex.h"
#include "common/os/unique_fd.h"

namespace grange::test {

// A port that passes any number of connections on to a port on loopback, as a line between two
// machines does: also one that breaks, is dead without either end noticing, or slow.
//
// Thread-safe. A fault holds for the connections that are there and for those that come, until the
// next call.
class TcpProxy {
 public:
  enum class Direction { kBoth, kToServer, kToClient };

  // Listens on a free port of `address`, one of this machine's.
  static absl::StatusOr<std::unique_ptr<TcpProxy>> Start(uint16_t to_port,
                                                         const std::string& address = "127.0.0.1");
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  uint16_t port() const { return port_; }

  // Every byte as it comes.
  void Pass();
  // Ends all connections, and new ones at once.
  void Cut();
  // No byte passes in this direction, nothing is closed; what was held goes on with Pass().
  void Hold(Direction direction);
  // Each byte arrives this much later.
  void Delay(absl::Duration by);
  // Passes this many bytes more, counted over both directions and all connections, and in the
  // middle of whatever is sent then ends all connections; afterwards everything passes.
  void CutAfter(uint64_t bytes);
  // How often that has happened.
  uint64_t cuts() const { return cuts_; }

 private:
  struct Connection;
  struct Flow;
  struct Mode {
    bool cut = false;
    bool hold_to_server = false, hold_to_client = false;
    absl::Duration delay;
    std::optional<uint64_t> bytes_left;
  };

  TcpProxy() = default;
  void Set(const Mode& mode);
  void Run();
  void Accept();
  // False when the connection is over.
  bool Serve(Connection& connection, const Mode& mode);
  bool Move(Flow& flow, bool held, absl::Duration delay);
  // How much of `wanted` may still pass; takes it off.
  size_t Grant(size_t wanted);
  bool UsedUp();

  uint16_t port_ = 0, to_port_ = 0;
  std::atomic<uint64_t> cuts_{0};
  os::UniqueFd listener_, wake_;
  std::list<Connection> connections_;  // of the thread
  base::Mutex mu_;
  Mode mode_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool drop_all_ ABSL_GUARDED_BY(mu_) = false;  // connections that are there now end
  std::thread thread_;
};

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_TCP_PROXY_H_
