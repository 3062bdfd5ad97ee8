// Coordinator, agent and grangectl on three machines, each a network namespace of its own.
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

// Three namespaces on one bridge, which lives in a fourth; all go with the object.
class Network {
 public:
  explicit Network(Farm& farm) : farm_(farm), mark_(absl::StrCat("gr", getpid() % 100000)) {
    ok_ = Ip({"netns", "add", Name("sw")}) &&
          Ip({"-n", Name("sw"), "link", "add", "br0", "type", "bridge"}) &&
          Ip({"-n", Name("sw"), "link", "set", "br0", "up"});
    int number = 0;
    for (const std::string& host : Hosts()) {
      ++number;
      ok_ = ok_ && Ip({"netns", "add", Name(host)}) &&
            Ip({"link", "add", "eth0", "netns", Name(host), "type", "veth", "peer", "name",
                "p" + host, "netns", Name("sw")}) &&
            Ip({"-n", Name("sw"), "link", "set", "p" + host, "master", "br0", "up"}) &&
            Ip({"-n", Name(host), "addr", "add", absl::StrCat("10.77.0.", number, "/24"), "dev",
                "eth0"}) &&
            Ip({"-n", Name(host), "link", "set", "eth0", "up"}) &&
            Ip({"-n", Name(host), "link", "set", "lo", "up"});
    }
  }
  ~Network() {
    for (const std::string& host : Hosts()) Ip({"netns", "del", Name(host)});
    Ip({"netns", "del", Name("sw")});
  }
  bool ok() const { return ok_; }
  std::vector<std::string> In(const std::string& host, std::vector<std::string> argv) const {
    argv.insert(argv.begin(), {"ip", "netns", "exec", Name(host)});
    return argv;
  }
  CtlResult Run(const std::string& host, const std::vector<std::string>& argv) {
    std::vector<std::string> all = In(host, argv);
    all.erase(all.begin());
    return farm_.RunProgram("/sbin/ip", all);
  }

 private:
  static std::vector<std::string> Hosts() { return {"hub", "work", "desk"}; }
  std::string Name(const std::string& host) const { return mark_ + host; }
  bool Ip(const std::vector<std::string>& arguments) {
    return farm_.RunProgram("/sbin/ip", arguments).exit_code == 0;
  }

  Farm& farm_;
  const std::string mark_;
  bool ok_ = false;
};

TEST(NamespacesTest, CoordinatorAgentAndGrangectlWorkOnDifferentMachines) {
  if (getuid() != 0) GTEST_SKIP() << "network namespaces need root";
  Farm farm;  // its own coordinator stays unused; it lends folders and git
  Network network(farm);
  if (!network.ok()) GTEST_SKIP() << "network namespaces can't be made here";
  const std::string state = farm.dir() + "/far";
  Program coordinator("far-coordinator",
                      network.In("hub", {Farm::Bin("grange-coordinator"), "--state", state,
                                         "--listen", "0.0.0.0:7420", "--name", "10.77.0.1"}),
                      farm.dir() + "/far-coordinator.log");
  ASSERT_TRUE(coordinator.WaitForLine("ready ").ok());
  // What an administrator copies to a desk: the file, with the address by which it is reached.
  const std::vector<std::string> ctl = {Farm::Bin("grangectl"), "--config",
                                        state + "/grangectl.yml", "--coordinator",
                                        "10.77.0.1:7420"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), ctl.begin(), ctl.end());
    return more;
  };
  const CtlResult token =
      network.Run("desk", with({"token", "create", "--registration", "-o", "json"}));
  ASSERT_EQ(token.exit_code, 0) << token.err << coordinator.Log();
  const CtlResult registered =
      network.Run("work", {Farm::Bin("grange-agent"), "register", "--state",
                           farm.dir() + "/far-agent", "--coordinator", "10.77.0.1:7420", "--token",
                           token.json()["token"], "--name", "far"});
  ASSERT_EQ(registered.exit_code, 0) << registered.err;
  Program agent(
      "far-agent",
      network.In("work", {Farm::Bin("grange-agent"), "run", "--state", farm.dir() + "/far-agent"}),
      farm.dir() + "/far-agent.log");
  const std::string repo =
      farm.MakeRepository("app", "job: {script: ['cat file']}\n", {{"file", "seen from afar\n"}});

  const CtlResult submitted = network.Run("desk", with({"submit", repo, "--watch"}));

  EXPECT_EQ(submitted.exit_code, 0)
      << submitted.out << submitted.err << coordinator.Log() << agent.Log();
  const CtlResult jobs = network.Run("desk", with({"jobs", "1", "-o", "json"}));
  const int64_t job = jobs.json()["jobs"][0]["id"];
  const CtlResult logs = network.Run("desk", with({"logs", absl::StrCat(job)}));
  EXPECT_TRUE(absl::StrContains(logs.out, "seen from afar\n")) << logs.out;
}

}  // namespace
}  // namespace grange::test
