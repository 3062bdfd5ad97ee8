// Coordinator, agent and grangectl on three machines, each a network namespace of its own.
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tests/support/network.h"

namespace grange::test {
namespace {

CtlResult RunOn(Farm& farm, const Network& network, const std::string& host,
                const std::vector<std::string>& argv) {
  std::vector<std::string> all = network.In(host, argv);
  const std::string program = all[0];
  all.erase(all.begin());
  return farm.RunProgram(program, all);
}

TEST(NamespacesTest, CoordinatorAgentAndGrangectlWorkOnDifferentMachines) {
  if (getuid() != 0) GTEST_SKIP() << "network namespaces need root";
  Farm farm;  // its own coordinator stays unused; it lends folders and git
  const absl::StatusOr<std::unique_ptr<Network>> made = Network::Make({"hub", "work", "desk"});
  if (!made.ok()) GTEST_SKIP() << "network namespaces can't be made here: " << made.status();
  const Network& network = **made;
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
      RunOn(farm, network, "desk", with({"token", "create", "--registration", "-o", "json"}));
  ASSERT_EQ(token.exit_code, 0) << token.err << coordinator.Log();
  const CtlResult registered =
      RunOn(farm, network, "work",
            {Farm::Bin("grange-agent"), "register", "--state", farm.dir() + "/far-agent",
             "--coordinator", "10.77.0.1:7420", "--token", token.json()["token"], "--name", "far"});
  ASSERT_EQ(registered.exit_code, 0) << registered.err;
  Program agent(
      "far-agent",
      network.In("work", {Farm::Bin("grange-agent"), "run", "--state", farm.dir() + "/far-agent"}),
      farm.dir() + "/far-agent.log");
  const std::string repo =
      farm.MakeRepository("app", "job: {script: ['cat file']}\n", {{"file", "seen from afar\n"}});

  const CtlResult submitted = RunOn(farm, network, "desk", with({"submit", repo, "--watch"}));

  EXPECT_EQ(submitted.exit_code, 0)
      << submitted.out << submitted.err << coordinator.Log() << agent.Log();
  const CtlResult jobs = RunOn(farm, network, "desk", with({"jobs", "1", "-o", "json"}));
  const int64_t job = jobs.json()["jobs"][0]["id"];
  const CtlResult logs = RunOn(farm, network, "desk", with({"logs", absl::StrCat(job)}));
  EXPECT_TRUE(absl::StrContains(logs.out, "seen from afar\n")) << logs.out;
}

}  // namespace
}  // namespace grange::test
