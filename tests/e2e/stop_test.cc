// Programs that are told to stop at one moment, as at the shutdown of a machine.
#include <string>

#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

void ExpectEndsWell(Program& program) {
  const os::ExitStatus ended = program.Wait();
  EXPECT_TRUE(ended.ok()) << ended.ToString() << "\n" << program.Log();
}

TEST(ShutdownTest, ACoordinatorEndsWellWhileItsAgentsEnd) {
  Farm farm;
  AgentOptions agent;
  for (const char* name : {"one", "two"}) {
    agent.name = name;
    farm.AddAgent(agent);
  }
  for (int round = 0; round < 25 && !::testing::Test::HasFailure(); ++round) {
    farm.agent("one").Kill(15);
    farm.agent("two").Kill(15);
    farm.coordinator().Kill(15);
    ExpectEndsWell(farm.coordinator());
    ExpectEndsWell(farm.agent("one"));
    ExpectEndsWell(farm.agent("two"));
    farm.StartCoordinator();
    farm.StartAgent("one");
    farm.StartAgent("two");
  }
}

}  // namespace
}  // namespace grange::test
