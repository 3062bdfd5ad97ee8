// Why a job is where it is, in words.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/schedule/farm.h"

namespace grange::schedule {
namespace {

using lifecycle::When;
using ::testing::HasSubstr;

TEST(WhyTest, NamesTheTagThatNoAgentHas) {
  Farm farm;
  farm.Connect({.slots = 1, .tags = {"linux"}});
  farm.Submit({{.name = "a", .tags = {"gpu", "linux"}}});
  EXPECT_EQ(farm.Why(farm.Job("a")), "no agent has tag 'gpu'; tags there are: 'linux'");
}

TEST(WhyTest, SaysThatNoAgentHasAllTags) {
  Farm farm;
  farm.Connect({.slots = 1, .tags = {"linux"}});
  farm.Connect({.slots = 1, .tags = {"gpu"}});
  farm.Submit({{.name = "a", .tags = {"gpu", "linux"}}});
  EXPECT_THAT(farm.Why(farm.Job("a")), HasSubstr("no agent has all of the tags 'gpu', 'linux'"));
}

TEST(WhyTest, SaysThatThereIsNoAgent) {
  Farm farm;
  const JobId job = farm.Submit("a");
  EXPECT_THAT(farm.Why(job), HasSubstr("no agent is registered"));
  EXPECT_EQ(farm.scheduler().Why(job, farm.clock().Now())->next_step,
            "grangectl token create --registration");
}

TEST(WhyTest, SaysThatAllAgentsTakeTaggedJobsOnly) {
  Farm farm;
  farm.Connect({.slots = 1, .tags = {"x"}, .run_untagged = false});
  EXPECT_THAT(farm.Why(farm.Submit("a")), HasSubstr("every agent takes tagged jobs only"));
}

TEST(WhyTest, SaysThatNoAgentIsConnected) {
  Farm farm;
  farm.Register({.name = "oak"});
  EXPECT_THAT(farm.Why(farm.Submit("a")), HasSubstr("no agent is connected; start one of 'oak'"));
}

TEST(WhyTest, CountsTheBusySlots) {
  Farm farm;
  farm.Connect({.slots = 2});
  farm.Connect({.slots = 2});
  for (int i = 0; i < 4; ++i) farm.Submit(absl::StrCat("job", i));
  EXPECT_EQ(farm.Why(farm.Submit("a")), "all 4 slots of the 2 agents that may run it are busy");
}

TEST(WhyTest, NamesADrainingAgent) {
  Farm farm;
  const AgentId agent = farm.Connect({.name = "oak", .slots = 1});
  farm.Drain(agent, true);
  EXPECT_THAT(farm.Why(farm.Submit("a")), HasSubstr("agent 'oak' is draining"));
}

TEST(WhyTest, NamesTheAgentThatIsTooOldAndWhatItLacks) {
  Farm farm;
  farm.Connect({.name = "oak", .slots = 1, .features = {"a"}, .version = "0.1.0"});
  farm.Connect({.name = "elm", .slots = 1, .tags = {"gpu"}, .run_untagged = false});
  farm.Submit({{.name = "x", .features = {"job_limits", "trace_limit_fail", "a"}}});
  EXPECT_EQ(
      farm.Why(farm.Job("x")),
      "agent 'oak' is of version 0.1.0 and lacks 'job_limits', 'trace_limit_fail': upgrade it");
}

TEST(WhyTest, SaysBesideABusyAgentWhichOtherOneIsTooOld) {
  Farm farm;
  farm.Connect({.name = "oak", .slots = 1, .version = "0.1.0"});
  const AgentId elm = farm.Connect({.name = "elm", .slots = 1, .features = {"job_limits"}});
  farm.Submit(
      {{.name = "x", .features = {"job_limits"}}, {.name = "y", .features = {"job_limits"}}});
  EXPECT_EQ(farm.Why(farm.Job("y")),
            "agent 'oak' is of version 0.1.0 and lacks 'job_limits': upgrade it; "
            "all 1 slot of the one agent that may run it are busy");
  farm.Disconnect(elm);
  EXPECT_THAT(farm.Why(farm.Job("y")), HasSubstr("agent 'elm' is not connected"));
}

TEST(WhyTest, SaysWhenADrainingAgentStopsAJob) {
  Farm farm;
  const AgentId agent = farm.Connect({.name = "oak", .slots = 1});
  const JobId job = farm.Submit("a");
  farm.Drain(agent, true, absl::Minutes(30));
  EXPECT_THAT(farm.Why(job), HasSubstr("that agent is draining, and stops it at "
                                       "2023-11-14T22:43:20Z if it still runs then"));
}

TEST(WhyTest, C4SaysWhyNothingIsOfferedAndOffersAgainAfterwards) {
  Farm farm;
  farm.Connect({.name = "oak"});
  farm.Apply(OffersPaused{"the coordinator's disk is full"});
  const JobId job = farm.Submit("a");
  EXPECT_EQ(farm.State("a"), "pending");
  EXPECT_EQ(farm.Why(job), "no job is given away: the coordinator's disk is full");
  farm.Apply(OffersPaused{});
  EXPECT_EQ(farm.State("a"), "running");
}

TEST(WhyTest, SaysWhoDeclinedAndWhy) {
  Farm farm;
  const AgentId agent = farm.Connect({.name = "oak", .slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  EXPECT_EQ(farm.Why(job), "offered to agent 'oak', which has not answered yet");
  farm.Decline(agent, farm.AssignmentOf(job), "disk full");
  EXPECT_EQ(farm.Why(job), "agent 'oak' declined it: disk full; it is asked again in 10s");
}

TEST(WhyTest, NamesTheStageAndTheJobThatIsNotFinished) {
  Farm farm;
  farm.Connect({.slots = 1});
  farm.Submit(
      {{.name = "a"}, {.name = "b", .stage = 1}, {.name = "c", .stage = 1, .needs = {"a"}}});
  EXPECT_EQ(farm.Why(farm.Job("b")), "stage 's0' is not finished: job 'a' is running");
  EXPECT_EQ(farm.Why(farm.Job("c")), "needs 'a', which is running");
}

TEST(WhyTest, TellsHowToStartAManualJob) {
  Farm farm;
  farm.Submit({{.name = "m", .when = When::kManual}, {.name = "b", .stage = 1}});
  const JobId job = farm.Job("m");
  const std::string play = absl::StrCat("grangectl play ", job.value());
  EXPECT_EQ(farm.Why(job), absl::StrCat("waits for a person: start it with '", play, "'"));
  const absl::StatusOr<Explanation> behind =
      farm.scheduler().Why(farm.Job("b"), farm.clock().Now());
  ASSERT_TRUE(behind.ok());
  EXPECT_EQ(behind->next_step, play);
}

TEST(WhyTest, TellsWhenADelayedJobStarts) {
  Farm farm;
  farm.Submit({{.name = "d", .when = When::kDelayed, .start_in = absl::Minutes(10)}});
  farm.Advance(absl::Minutes(4));
  EXPECT_THAT(farm.Why(farm.Job("d")), HasSubstr("delayed until 2023-11-14T22:23:20Z (6m from"));
}

TEST(WhyTest, SaysWhereAJobRunsAndSinceWhenItsAgentIsAway) {
  Farm farm;
  const AgentId agent = farm.Connect({.name = "oak", .slots = 1});
  const JobId job = farm.Submit("a");
  EXPECT_EQ(farm.Why(job), "running on agent 'oak'");
  farm.Disconnect(agent);
  farm.Advance(absl::Seconds(90));
  EXPECT_THAT(farm.Why(job), HasSubstr("which is unreachable since 2023-11-14T22:13:20Z (1m30s)"));
}

TEST(WhyTest, ExplainsWhatHasEnded) {
  Farm farm;
  farm.Connect({.slots = 3});
  farm.Submit({{.name = "a"}, {.name = "long"}, {.name = "b", .stage = 1, .needs = {"a"}}});
  farm.Fail(farm.Job("a"), 3);
  EXPECT_THAT(farm.Why(farm.Job("a")), HasSubstr("it failed (script_failure): its script failed"));
  EXPECT_THAT(farm.Why(farm.Job("a")), HasSubstr("exit code 3"));
  EXPECT_EQ(farm.Why(farm.Job("b")), "it was skipped: 'a' failed");
  EXPECT_THAT(farm.Why(JobId(999)), HasSubstr("NOT_FOUND"));
}

}  // namespace
}  // namespace grange::schedule
