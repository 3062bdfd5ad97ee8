// Programs that are told to stop at one moment, as at the shutdown of a machine.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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

// The second one finds the mark of the first, and has no reason to wait.
TEST(DrainTest, WhatStillRunsAtTheDeadlineFailsAsAgentDrainedAndIsTriedElsewhere) {
  Farm farm;
  AgentOptions agent;
  for (const char* name : {"one", "two"}) {
    agent.name = name;
    agent.tags = {name};
    farm.AddAgent(agent);
  }
  const std::string mark = farm.dir() + "/mark";
  const std::string repository = farm.MakeRepository(
      "app", absl::StrCat("job:\n  retry: {max: 1, when: runner_system_failure}\n  script:\n",
                          "    - if [ -e ", mark, " ]; then exit 0; fi\n    - touch ", mark,
                          "\n    - echo up\n    - sleep 1000\n  after_script: [echo cleaned]\n",
                          "once:\n  tags: [one]\n  script: [sleep 1000]\n"));
  ASSERT_EQ(farm.Ctl({"agent", "drain", "two"}).exit_code, 0);
  const int64_t pipeline = farm.Submit(repository);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));
  ASSERT_TRUE(farm.WaitForJob(pipeline, "once", "running"));
  const int64_t job = farm.Job(pipeline, "job").value("id", 0);
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(farm.Trace(job), "up\n"); }));
  ASSERT_EQ(farm.Ctl({"agent", "resume", "two"}).exit_code, 0);

  const absl::Time asked = absl::Now();
  const CtlResult drained = farm.Ctl({"agent", "drain", "one", "--deadline", "6s"});
  ASSERT_EQ(drained.exit_code, 0) << drained.err;
  EXPECT_TRUE(absl::StrContains(drained.out, "what still runs on it at ")) << drained.out;
  const std::string agents = farm.Ctl({"agents"}).out;
  EXPECT_TRUE(absl::StrContains(agents, "draining, stops what runs at ")) << agents;
  // Both sides are started anew: neither forgets the time.
  farm.KillCoordinator();
  farm.KillAgent("one");
  farm.StartCoordinator();
  farm.StartAgent("one");

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  EXPECT_GE(absl::Now() - asked, absl::Seconds(6));
  EXPECT_EQ(Text(farm.Job(pipeline, "once"), "failure_reason"), "agent_drained");
  EXPECT_EQ(Text(farm.Job(pipeline, "job"), "status"), "success");
  const nlohmann::json shown = farm.Ctl({"job", absl::StrCat(job), "-o", "json"}).json();
  ASSERT_EQ(shown["attempts"].size(), 2u) << shown;
  EXPECT_EQ(Text(shown["attempts"][0], "failure_reason"), "agent_drained");
  EXPECT_EQ(Text(shown["attempts"][1], "agent"), "two");
  const std::string first = farm.Ctl({"logs", absl::StrCat(job), "--attempt", "1"}).out;
  EXPECT_TRUE(absl::StrContains(first, "\ncleaned\n")) << first;
  const nlohmann::json listing = farm.Ctl({"agents", "-o", "json"}).json();
  for (const nlohmann::json& listed : listing["agents"]) {
    if (Text(listed, "name") != "one") continue;
    EXPECT_EQ(Text(listed, "status"), "drained");
    EXPECT_NE(Text(listed, "drain_until"), "");
  }
}

}  // namespace
}  // namespace grange::test
