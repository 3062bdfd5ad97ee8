#ifndef GRANGE_TESTS_CHAOS_CHAOS_FARM_H_
#define GRANGE_TESTS_CHAOS_CHAOS_FARM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/farm.h"
#include "tests/support/network.h"
#include "tests/support/small_disk.h"
#include "tests/support/tcp_proxy.h"

namespace grange::chaos {

// What this machine lets a run do. Found once, before the first thread: where there is root, the
// process enters mounts and a network of its own. Each text is "" if it can, else why not.
struct Abilities {
  std::string no_disks;      // small file systems that can be filled
  std::string no_network;    // machines in network namespaces
  std::string no_injection;  // strace

  static Abilities Find();
};

// A coordinator and three agents, each reached through a proxy of its own. The last agent runs on a
// machine of its own if there are namespaces. One thread.
class ChaosFarm {
 public:
  // For how long the protocol's times are, and for how often agents come back.
  struct Pace {
    double time_scale = 0.1;
    double reconnect_max_seconds = 1.5;
  };

  static absl::StatusOr<std::unique_ptr<ChaosFarm>> Start(const Abilities& abilities, Pace pace);
  ~ChaosFarm();

  test::Farm& farm() { return *farm_; }
  const std::vector<std::string>& agents() const { return agents_; }
  test::TcpProxy& link(size_t agent) { return *links_.at(agent); }
  // Null without namespaces. far_agent() is in `far_host`.
  test::Network* network() { return network_.get(); }
  const std::string& far_agent() const { return agents_.back(); }
  static constexpr char kFarHost[] = "far";
  // Whether the coordinator knows all agents as there.
  bool AllOnline();
  // Keeps the folder, with what lies on file systems that go.
  void Keep();

 private:
  ChaosFarm() = default;
  absl::Status Build(const Abilities& abilities, Pace pace);

  std::vector<std::string> agents_;
  std::vector<std::unique_ptr<test::SmallDisk>> disks_;
  std::unique_ptr<test::Network> network_;
  std::vector<std::unique_ptr<test::TcpProxy>> links_;
  std::unique_ptr<test::Farm> farm_;
};

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_CHAOS_FARM_H_
