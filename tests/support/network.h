#ifndef GRANGE_TESTS_SUPPORT_NETWORK_H_
#define GRANGE_TESTS_SUPPORT_NETWORK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grange::test {

// Machines of a test: network namespaces on one bridge, which lives in a namespace of its own. All
// go with the object. One thread. Needs root.
class Network {
 public:
  // The n-th host (from 1) has the address 10.77.0.n.
  static absl::StatusOr<std::unique_ptr<Network>> Make(const std::vector<std::string>& hosts);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // The command line that runs `argv` on that host, under the pid that it is started with.
  std::vector<std::string> In(const std::string& host, std::vector<std::string> argv) const;
  std::string Address(const std::string& host) const;

  // Makes the calling process, whose network must be a namespace of its own, one more machine of
  // this network. Its address.
  absl::StatusOr<std::string> Join();

  // Pulls the host's plug, or puts it in again: sockets stay open and learn nothing.
  absl::Status SetLink(const std::string& host, bool up);
  // Puts this nft rule, such as "numgen random mod 100 < 30 drop", on all that arrives at the host
  // (`hook` "input") or leaves it ("output").
  absl::Status AddRule(const std::string& host, const std::string& hook, const std::string& rule);
  // Sets the queueing of what the host sends, as `tc qdisc replace dev eth0 root` takes it.
  absl::Status Shape(const std::string& host, const std::vector<std::string>& queueing);
  // Takes the rules and the queueing away and puts the plug in.
  absl::Status Heal(const std::string& host);

 private:
  explicit Network(std::vector<std::string> hosts);
  absl::Status Build();
  absl::Status Connect(const std::string& host, int number);
  std::string Name(const std::string& host) const { return mark_ + host; }

  const std::vector<std::string> hosts_;
  const std::string mark_;  // begins the namespaces' names
  bool joined_ = false;
};

// A network of its own for this thread, and for the threads and processes that it starts: nothing
// but a loopback of their own. kPermissionDenied without root. Before the first thread is started.
absl::Status EnterOwnNetwork();

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_NETWORK_H_
