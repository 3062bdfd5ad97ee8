// An agent whose state directory is lost, or is there twice.
#include <signal.h>

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using ::testing::HasSubstr;

nlohmann::json OnlyAgent(Farm& farm) {
  return farm.Ctl({"agents", "-o", "json"}).json()["agents"][0];
}

CtlResult Register(Farm& farm, const std::string& state, const std::string& name) {
  const CtlResult token = farm.Ctl({"token", "create", "--registration", "-o", "json"});
  return farm.RunProgram(
      "grange-agent", {"register", "--state", farm.AgentState(state), "--coordinator",
                       farm.address(), "--token", token.json().value("token", ""), "--name", name});
}

// The path of people whose agent has gone for good: its name is free once its jobs are over.
void ExpectThatItsNameCanBeUsedAgain(Farm& farm) {
  const CtlResult taken = Register(farm, "again", "agent-1");
  EXPECT_NE(taken.exit_code, 0);
  EXPECT_THAT(taken.err, HasSubstr("grangectl agent remove 1"));
  const CtlResult removed = farm.Ctl({"agent", "remove", "1"});
  EXPECT_EQ(removed.exit_code, 0) << removed.err;
  const CtlResult registered = Register(farm, "again", "agent-1");
  ASSERT_EQ(registered.exit_code, 0) << registered.err;
  farm.StartAgent("again");
}

TEST(AgentStateTest, A5_AnAgentThatLosesItsStateEndsItsJobsAndSaysSo) {
  Farm farm;
  farm.AddAgent();
  const std::string mark = absl::StrCat("sleep-of-", farm.dir().substr(farm.dir().size() - 6));
  const std::string repo = farm.MakeRepository(
      "app", absl::StrCat("job: {script: ['echo begun', 'exec -a ", mark, " sleep 1000']}\n"));
  const int64_t pipeline = farm.Submit(repo);
  const int64_t job = farm.Job(pipeline, "job")["id"];
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(farm.Trace(job), "begun"); }));
  ASSERT_TRUE(Eventually([&] { return ProcessesWithMark(mark).size() == 1; }));

  ASSERT_TRUE(os::RemoveTree(farm.AgentState("agent-1")).ok());

  EXPECT_EQ(farm.agent("agent-1").Wait().exit_code, 1);
  EXPECT_THAT(farm.agent("agent-1").Log(), HasSubstr("Register it anew"));
  EXPECT_TRUE(ProcessesWithMark(mark).empty());
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  EXPECT_EQ(Text(farm.Job(pipeline, "job"), "failure_reason"), "agent_forgot");
  EXPECT_TRUE(absl::StrContains(farm.Trace(job), "begun"));
  ExpectThatItsNameCanBeUsedAgain(farm);
  EXPECT_EQ(farm.Ctl({"cancel", absl::StrCat(pipeline)}).exit_code, 1);  // it is over
  farm.Commit(repo, {{".gitlab-ci.yml", "job: {script: ['true']}\n"}});
  EXPECT_EQ(farm.WaitForPipeline(farm.Submit(repo)), "success");
}

TEST(AgentStateTest, A5_JobsOfAnAgentThatNeverComesBackAreLost) {
  Farm farm({.time_scale = 0.02,
             .coordinator_arguments = {},
             .agent_environment = {},
             .prepare_state = {}});
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", "job: {script: ['sleep 1000']}\n");
  const int64_t pipeline = farm.Submit(repo);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));

  farm.KillAgent("agent-1");
  const CtlResult early = farm.Ctl({"agent", "remove", "agent-1"});
  EXPECT_NE(early.exit_code, 0);
  EXPECT_THAT(early.err, HasSubstr("wait until they are lost"));
  ASSERT_TRUE(os::RemoveTree(farm.AgentState("agent-1")).ok());
  farm.LaunchAgent("agent-1");
  EXPECT_EQ(farm.agent("agent-1").Wait().exit_code, 1);
  EXPECT_THAT(farm.agent("agent-1").Log(), HasSubstr("grange-agent register --state"));

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  EXPECT_EQ(Text(farm.Job(pipeline, "job"), "failure_reason"), "agent_lost");
  ExpectThatItsNameCanBeUsedAgain(farm);
}

// The journal alone is lost: the agent comes back as itself, without its jobs.
TEST(AgentStateTest, A5_JobsThatAnAgentNoLongerKnowsAreForgotten) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", "job: {script: ['sleep 1000']}\n");
  const int64_t pipeline = farm.Submit(repo);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));
  farm.KillAgent("agent-1");
  ASSERT_TRUE(os::RemoveTree(farm.AgentState("agent-1") + "/journal").ok());
  ASSERT_TRUE(os::RemoveTree(farm.AgentState("agent-1") + "/jobs").ok());
  farm.StartAgent("agent-1");
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  EXPECT_EQ(Text(farm.Job(pipeline, "job"), "failure_reason"), "agent_forgot");
}

TEST(AgentStateTest, A6_ACopiedStateIsRefusedAndShownUntilSomebodyActs) {
  Farm farm;
  farm.AddAgent();
  EXPECT_TRUE(OnlyAgent(farm)["alarm"].is_null());
  ASSERT_EQ(farm.RunProgram("/bin/cp", {"-a", farm.AgentState("agent-1"), farm.AgentState("copy")})
                .exit_code,
            0);
  {
    farm.LaunchAgent("copy");
    EXPECT_TRUE(Eventually([&] { return !OnlyAgent(farm)["alarm"].is_null(); }));
    farm.KillAgent("copy");
  }
  EXPECT_EQ(Text(OnlyAgent(farm), "status"), "online");
  const std::string alarm = Text(OnlyAgent(farm), "alarm");
  EXPECT_THAT(alarm, HasSubstr("credential in use twice since "));
  EXPECT_THAT(alarm, HasSubstr(", last from 127.0.0.1"));
  EXPECT_THAT(alarm, HasSubstr("grangectl agent reset agent-1"));
  EXPECT_THAT(alarm, HasSubstr("grangectl agent revoke agent-1"));
  EXPECT_THAT(farm.Ctl({"agents"}).err, HasSubstr(alarm));

  farm.KillCoordinator();
  farm.StartCoordinator();
  EXPECT_EQ(Text(OnlyAgent(farm), "alarm"), alarm);
  ASSERT_EQ(farm.Ctl({"agent", "reset", "agent-1"}).exit_code, 0);
  EXPECT_TRUE(OnlyAgent(farm)["alarm"].is_null());
}

// The copy came first: the right one is refused then, and a person says which it is.
TEST(AgentStateTest, A6_AStateThatWasOvertakenByItsCopyIsRefusedUntilItIsReset) {
  Farm farm;
  farm.AddAgent();
  farm.KillAgent("agent-1", SIGTERM);
  ASSERT_EQ(farm.RunProgram("/bin/cp", {"-a", farm.AgentState("agent-1"), farm.AgentState("copy")})
                .exit_code,
            0);
  farm.StartAgent("copy");
  farm.KillAgent("copy", SIGTERM);
  farm.LaunchAgent("agent-1");
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(Text(OnlyAgent(farm), "alarm"), "session counter went back");
  }));
  farm.KillAgent("agent-1");
  ASSERT_EQ(farm.Ctl({"agent", "reset", "agent-1"}).exit_code, 0);
  farm.StartAgent("agent-1");
  EXPECT_TRUE(OnlyAgent(farm)["alarm"].is_null());
}

}  // namespace
}  // namespace grange::test
