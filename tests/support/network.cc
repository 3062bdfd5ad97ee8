#include "tests/support/network.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/child.h"
#include "common/os/files.h"

namespace grange::test {
namespace {

absl::Status Do(const std::vector<std::string>& argv) {
  os::ChildOptions options;
  options.argv = argv;
  const absl::StatusOr<os::RunResult> run = os::Run(options);
  if (!run.ok()) return run.status();
  if (run->status.ok()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(absl::StrJoin(argv, " "), ": ", absl::StripAsciiWhitespace(run->err)));
}

absl::Status Ip(const std::string& arguments) {
  std::vector<std::string> argv = absl::StrSplit(arguments, ' ');
  argv.insert(argv.begin(), "/sbin/ip");
  return Do(argv);
}

}  // namespace

Network::Network(std::vector<std::string> hosts)
    : hosts_(std::move(hosts)), mark_(absl::StrCat("gr", getpid() % 100000)) {}

absl::StatusOr<std::unique_ptr<Network>> Network::Make(const std::vector<std::string>& hosts) {
  std::unique_ptr<Network> network(new Network(hosts));
  GRANGE_RETURN_IF_ERROR(network->Build());
  return network;
}

Network::~Network() {
  // With the namespace its far end goes too, but only some time later.
  if (joined_) Ip("link del eth0").IgnoreError();
  for (const std::string& host : hosts_)
    Ip("netns del " + Name(host)).IgnoreError();  // or not made
  Ip("netns del " + Name("sw")).IgnoreError();
}

absl::Status Network::Build() {
  const std::string in_switch = absl::StrCat("-n ", Name("sw"), " ");
  GRANGE_RETURN_IF_ERROR(Ip("netns add " + Name("sw")));
  GRANGE_RETURN_IF_ERROR(Ip(in_switch + "link add br0 type bridge"));
  GRANGE_RETURN_IF_ERROR(Ip(in_switch + "link set br0 up"));
  int number = 0;
  for (const std::string& host : hosts_) {
    GRANGE_RETURN_IF_ERROR(Ip("netns add " + Name(host)));
    GRANGE_RETURN_IF_ERROR(Ip(absl::StrCat("link add eth0 netns ", Name(host),
                                           " type veth peer name p", host, " netns ", Name("sw"))));
    GRANGE_RETURN_IF_ERROR(Ip(absl::StrCat(in_switch, "link set p", host, " master br0 up")));
    GRANGE_RETURN_IF_ERROR(Connect(host, ++number));
  }
  return absl::OkStatus();
}

absl::Status Network::Connect(const std::string& host, int number) {
  const std::string in_host = absl::StrCat("-n ", Name(host), " ");
  GRANGE_RETURN_IF_ERROR(Ip(absl::StrCat(in_host, "addr add 10.77.0.", number, "/24 dev eth0")));
  GRANGE_RETURN_IF_ERROR(Ip(in_host + "link set eth0 up"));
  return Ip(in_host + "link set lo up");
}

absl::StatusOr<std::string> Network::Join() {
  GRANGE_RETURN_IF_ERROR(
      Ip(absl::StrCat("link add eth0 type veth peer name phere netns ", Name("sw"))));
  joined_ = true;
  GRANGE_RETURN_IF_ERROR(Ip(absl::StrCat("-n ", Name("sw"), " link set phere master br0 up")));
  GRANGE_RETURN_IF_ERROR(Ip("addr add 10.77.0.200/24 dev eth0"));
  GRANGE_RETURN_IF_ERROR(Ip("link set eth0 up"));
  return std::string("10.77.0.200");
}

std::vector<std::string> Network::In(const std::string& host, std::vector<std::string> argv) const {
  argv.insert(argv.begin(), {"/sbin/ip", "netns", "exec", Name(host)});
  return argv;
}

std::string Network::Address(const std::string& host) const {
  const auto found = std::find(hosts_.begin(), hosts_.end(), host);
  return absl::StrCat("10.77.0.", found - hosts_.begin() + 1);
}

absl::Status Network::SetLink(const std::string& host, bool up) {
  return Ip(absl::StrCat("-n ", Name(host), " link set eth0 ", up ? "up" : "down"));
}

absl::Status Network::AddRule(const std::string& host, const std::string& hook,
                              const std::string& rule) {
  const std::string chain = absl::StrCat("inet faults ", hook);
  for (const std::string& command :
       {std::string("add table inet faults"),
        absl::StrCat("add chain ", chain, " { type filter hook ", hook, " priority 0 ; }"),
        absl::StrCat("add rule ", chain, hook == "input" ? " iif lo accept" : " oif lo accept"),
        absl::StrCat("add rule ", chain, " ", rule)}) {
    GRANGE_RETURN_IF_ERROR(Do(In(host, {"nft", command})));
  }
  return absl::OkStatus();
}

absl::Status Network::Shape(const std::string& host, const std::vector<std::string>& queueing) {
  std::vector<std::string> argv = {"tc", "qdisc", "replace", "dev", "eth0", "root"};
  argv.insert(argv.end(), queueing.begin(), queueing.end());
  return Do(In(host, argv));
}

absl::Status Network::Heal(const std::string& host) {
  GRANGE_RETURN_IF_ERROR(Do(In(host, {"nft", "flush", "ruleset"})));
  // There may be none.
  Do(In(host, {"tc", "qdisc", "del", "dev", "eth0", "root"})).IgnoreError();
  return SetLink(host, true);
}

absl::Status EnterOwnNetwork() {
  if (unshare(CLONE_NEWNET) != 0) return os::ErrnoStatus(errno, "cannot make", "own network");
  return Ip("link set lo up");
}

}  // namespace grange::test
