// Who gets what: tags, projects, slots, order, drain.
#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/schedule/farm.h"

namespace grange::schedule {
namespace {

using lifecycle::JobState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct FitCase {
  std::string name;
  TestAgent agent;
  std::vector<std::string> job_tags;
  bool runs;
};

TEST(AgentsTest, AJobRunsWhereItsTagsAndItsProjectAllow) {
  const std::vector<FitCase> cases = {
      {"no tags anywhere", {}, {}, true},
      {"tag that it has", {.tags = {"gpu"}}, {"gpu"}, true},
      {"one of two tags", {.tags = {"gpu"}}, {"gpu", "linux"}, false},
      {"more tags than asked", {.tags = {"linux", "gpu"}}, {"gpu"}, true},
      {"untagged job, tagged agent", {.tags = {"gpu"}}, {}, true},
      {"untagged job, tagged jobs only", {.tags = {"gpu"}, .run_untagged = false}, {}, false},
      {"own project", {.project = ProjectId(1)}, {}, true},
      {"another project", {.project = ProjectId(2)}, {}, false},
  };
  for (const FitCase& c : cases) {
    Farm farm;
    farm.Connect(c.agent);
    farm.Submit({{.name = "a", .tags = c.job_tags}}, ProjectId(1));
    EXPECT_EQ(farm.State("a"), c.runs ? "running" : "pending") << c.name;
  }
}

struct FeatureCase {
  std::string name;
  std::vector<std::string> agent;
  std::vector<std::string> job;
  bool runs;
};

TEST(AgentsTest, AJobRunsOnlyOnAnAgentThatHasEachFeatureThatItNeeds) {
  const std::vector<FeatureCase> cases = {
      {"none needed, none there", {}, {}, true},
      {"none needed, one there", {"job_limits"}, {}, true},
      {"the one that is there", {"job_limits"}, {"job_limits"}, true},
      {"one of several, in any order", {"z", "job_limits", "a"}, {"job_limits"}, true},
      {"named twice", {"job_limits"}, {"job_limits", "job_limits"}, true},
      {"one that is not there", {}, {"job_limits"}, false},
      {"one of two", {"job_limits"}, {"job_limits", "trace_limit_fail"}, false},
      {"another one", {"trace_limit_fail"}, {"job_limits"}, false},
  };
  for (const FeatureCase& c : cases) {
    Farm farm;
    farm.Connect({.features = c.agent});
    farm.Submit({{.name = "a", .features = c.job}});
    EXPECT_EQ(farm.State("a"), c.runs ? "running" : "pending") << c.name;
  }
}

TEST(AgentsTest, AJobThatNeedsAFeatureGoesPastTheOlderAgentAndBlocksNobody) {
  Farm farm;
  const AgentId older = farm.Connect({.slots = 5});  // else preferred: it has most free slots
  const AgentId newer = farm.Connect({.slots = 1, .features = {"job_limits"}});
  farm.Submit({{.name = "a", .features = {"job_limits"}},
               {.name = "b", .features = {"job_limits"}},
               {.name = "c"}});
  EXPECT_EQ(farm.AgentOf(farm.Job("a")), newer);
  EXPECT_EQ(farm.State("b"), "pending");
  EXPECT_EQ(farm.AgentOf(farm.Job("c")), older);
}

TEST(AgentsTest, AnUpgradedAgentGetsWhatHasWaitedForItAndOneThatWentBackDoesNot) {
  Farm farm;
  const AgentId agent = farm.Connect({.name = "oak", .slots = 1});
  farm.Submit({{.name = "a", .features = {"job_limits"}}});
  EXPECT_EQ(farm.State("a"), "pending");
  farm.Upgrade(agent, "0.2.0", {"job_limits"});
  farm.Hello(agent);
  EXPECT_EQ(farm.State("a"), "running");
  farm.Succeed(farm.Job("a"));
  // A person changes its tags: what it can do stays.
  farm.Apply(AgentAdded{.id = agent, .name = "oak", .tags = {"gpu"}, .slots = 1});
  farm.Submit({{.name = "b", .tags = {"gpu"}, .features = {"job_limits"}}});
  EXPECT_EQ(farm.State("b"), "running");
  farm.Succeed(farm.Job("b"));
  farm.Upgrade(agent, "0.1.0", {});
  farm.Hello(agent);
  farm.Submit({{.name = "c", .features = {"job_limits"}}});
  EXPECT_EQ(farm.State("c"), "pending");
}

TEST(AgentsTest, AJobThatNoAgentFitsBlocksNobody) {
  Farm farm;
  farm.Connect({.slots = 1});
  farm.Submit({{.name = "stuck", .tags = {"gpu"}}});
  farm.Submit({{.name = "free"}});
  EXPECT_THAT(farm.Running(), ElementsAre("free"));
}

TEST(AgentsTest, AJobThatWaitsForATagStartsWhenAnAgentWithItComes) {
  Farm farm;
  farm.Connect({.slots = 1});
  farm.Submit({{.name = "a", .tags = {"gpu"}}});
  farm.Connect({.slots = 1, .tags = {"gpu"}});
  EXPECT_THAT(farm.Running(), ElementsAre("a"));
}

TEST(AgentsTest, ChangedTagsOfAnAgentCount) {
  Farm farm;
  const AgentId agent = farm.Connect({.name = "x", .slots = 1});
  farm.Submit({{.name = "a", .tags = {"gpu"}}});
  EXPECT_EQ(farm.State("a"), "pending");
  farm.Apply(AgentAdded{.id = agent, .name = "x", .tags = {"gpu"}, .slots = 1});
  EXPECT_EQ(farm.State("a"), "running");
}

TEST(AgentsTest, TheOldestPipelineGoesFirstThenStageThenFile) {
  Farm farm;
  const AgentId agent = farm.Register({.slots = 1});
  farm.Submit({{.name = "a1", .stage = 1, .no_needs = true}, {.name = "a0"}});
  farm.Submit({{.name = "b0"}});
  farm.Hello(agent);
  std::vector<std::string> order;
  while (!farm.Running().empty()) {
    order.push_back(farm.Running().front());
    farm.Succeed(farm.Job(order.back()));
  }
  EXPECT_THAT(order, ElementsAre("a0", "a1", "b0"));
}

TEST(AgentsTest, TheAgentWithMostFreeSlotsGetsTheJobThenTheOldest) {
  Farm farm;
  const AgentId small = farm.Connect({.slots = 1});
  const AgentId large = farm.Connect({.slots = 2});
  EXPECT_EQ(farm.AgentOf(farm.Submit("first")), large);
  EXPECT_EQ(farm.AgentOf(farm.Submit("second")), small);
  EXPECT_EQ(farm.AgentOf(farm.Submit("third")), large);
}

TEST(AgentsTest, AnAgentGetsNoMoreJobsThanItHasSlots) {
  Farm farm;
  farm.Connect({.slots = 2});
  farm.Submit({{.name = "a"}, {.name = "b"}, {.name = "c"}});
  EXPECT_THAT(farm.Running(), ElementsAre("a", "b"));
  farm.Succeed(farm.Job("b"));
  EXPECT_THAT(farm.Running(), ElementsAre("a", "c"));
}

TEST(AgentsTest, ADrainingAgentKeepsItsJobsAndGetsNoMore) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 2});
  farm.Submit("a");
  farm.Drain(agent, true);
  EXPECT_THAT(farm.Take<SendDrain>(), SizeIs(1));
  farm.Submit("b");
  EXPECT_THAT(farm.Running(), ElementsAre("a"));
  farm.Drain(agent, false);
  EXPECT_THAT(farm.Running(), ElementsAre("a", "b"));
}

TEST(AgentsTest, ADrainTakesBackTheOffersThatWereNotGranted) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 2});
  farm.Answers(agent, false);
  const JobId granted = farm.Submit("granted");
  farm.Accept(agent, farm.AssignmentOf(granted));
  const JobId offered = farm.Submit("offered");
  const Assignment offer = farm.AssignmentOf(offered);
  farm.Take<SendStart>();

  farm.Drain(agent, true);

  EXPECT_THAT(farm.Take<SendRevoke>(), SizeIs(1));
  EXPECT_EQ(farm.StateOf(offered), JobState::kPending);
  EXPECT_NE(farm.AssignmentOf(offered).fence, offer.fence);
  farm.Accept(agent, offer);  // was under way when the drain came
  EXPECT_THAT(farm.Take<SendStart>(), IsEmpty());
  EXPECT_EQ(farm.StateOf(offered), JobState::kPending);
  EXPECT_EQ(farm.StateOf(granted), JobState::kRunning);
}

TEST(AgentsTest, AnOfferThatADrainTakesBackGoesToAnotherAgent) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  const AgentId other = farm.Connect({.slots = 1});
  farm.Drain(agent, true);
  EXPECT_EQ(farm.AgentOf(job), other);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
}

// What the agent was told last.
SendDrain LastDrain(Farm& farm) {
  const std::vector<SendDrain> sent = farm.Take<SendDrain>();
  EXPECT_THAT(sent, SizeIs(1));
  return sent.empty() ? SendDrain{} : sent.back();
}

TEST(AgentsTest, ADrainsDeadlineIsToldAsWhatIsLeftAlsoAfterEachSideWasAway) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  const auto come_back = [&] {
    farm.Disconnect(agent);
    farm.Hello(agent, {{farm.AssignmentOf(job), JobReport::Phase::kRunning}});
  };
  farm.Drain(agent, true, absl::Minutes(30));
  EXPECT_EQ(LastDrain(farm).left, absl::Minutes(30));
  farm.Advance(absl::Minutes(10));
  come_back();
  EXPECT_EQ(LastDrain(farm).left, absl::Minutes(20));
  farm.Advance(absl::Minutes(5));
  farm.RestartCoordinator();
  come_back();
  EXPECT_EQ(LastDrain(farm).left, absl::Minutes(15));
  farm.Advance(absl::Hours(1));
  come_back();
  EXPECT_EQ(LastDrain(farm).left, absl::ZeroDuration());
}

TEST(AgentsTest, ADrainAgainReplacesTheDeadlineAndAResumeEndsIt) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Drain(agent, true, absl::Minutes(30));
  farm.Take<SendDrain>();
  farm.Drain(agent, true, absl::Minutes(5));
  EXPECT_EQ(LastDrain(farm).left, absl::Minutes(5));
  farm.Drain(agent, true);
  EXPECT_EQ(LastDrain(farm).left, absl::InfiniteDuration());
  farm.Drain(agent, true);
  EXPECT_THAT(farm.Take<SendDrain>(), IsEmpty());  // nothing new
  farm.Drain(agent, true, absl::Minutes(5));
  farm.Take<SendDrain>();
  farm.Drain(agent, false);
  EXPECT_TRUE(LastDrain(farm).resume);
  farm.Drain(agent, true);
  EXPECT_EQ(LastDrain(farm).left, absl::InfiniteDuration());
}

TEST(AgentsTest, AnAgentHearsOfItsDrainBeforeItIsToldToStartAJob) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  farm.Accept(agent, farm.AssignmentOf(job));
  farm.Drain(agent, true, absl::Minutes(1));
  farm.Advance(absl::Minutes(2));
  const std::vector<Decision> decisions =
      farm.Apply(AgentConnected{.agent = agent,
                                .session = SessionId(1000),
                                .jobs = {{farm.AssignmentOf(job), JobReport::Phase::kAccepted}}});
  const auto at = [&](auto is_kind) {
    return std::find_if(decisions.begin(), decisions.end(), is_kind) - decisions.begin();
  };
  const auto drain = at([](const Decision& d) { return std::holds_alternative<SendDrain>(d); });
  const auto start = at([](const Decision& d) { return std::holds_alternative<SendStart>(d); });
  EXPECT_LT(drain, start);
  EXPECT_LT(static_cast<size_t>(start), decisions.size());
}

TEST(AgentsTest, AJobThatADrainStoppedRunsElsewhereIfItsRetryCoversTheFarmsFaults) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 2});
  farm.Submit(
      {{.name = "again",
        .retry = {.max = 1, .when = {lifecycle::FailureReason::kAgentDrained}, .exit_codes = {}}},
       {.name = "once"}});
  const AgentId other = farm.Connect({.slots = 2});
  farm.Drain(agent, true, absl::Minutes(30));
  farm.End(farm.Job("again"), lifecycle::FailureReason::kAgentDrained, 0);
  farm.End(farm.Job("once"), lifecycle::FailureReason::kAgentDrained, 0);
  EXPECT_EQ(farm.Row(farm.Job("again")).attempt, 2);
  EXPECT_EQ(farm.AgentOf(farm.Job("again")), other);
  EXPECT_EQ(farm.StateOf(farm.Job("once")), JobState::kFailed);
  EXPECT_EQ(farm.Row(farm.Job("once")).reason, lifecycle::FailureReason::kAgentDrained);
}

TEST(AgentsTest, AnAgentThatDeclinesBecauseItDrainsIsAskedAgainAfterItsNextHello) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  farm.Decline(agent, farm.AssignmentOf(job), "the agent is draining");
  farm.Take<SendOffer>();
  farm.Advance(absl::Hours(1));
  EXPECT_THAT(farm.Take<SendOffer>(), IsEmpty());
  farm.Hello(agent);
  EXPECT_THAT(farm.Take<SendOffer>(), SizeIs(1));
}

TEST(AgentsTest, ARemovedAgentLosesItsJobsAtOnce) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Apply(AgentRemoved{agent});
  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
  EXPECT_EQ(farm.Row(job).reason, lifecycle::FailureReason::kAgentLost);
  EXPECT_THAT(farm.scheduler().Agents(), IsEmpty());
}

TEST(AgentsTest, ShowsWhatEachAgentHolds) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 3});
  const JobId job = farm.Submit("a");
  const std::vector<Scheduler::AgentView> views = farm.scheduler().Agents();
  ASSERT_THAT(views, SizeIs(1));
  EXPECT_EQ(views[0].id, agent);
  EXPECT_TRUE(views[0].connected);
  EXPECT_EQ(views[0].slots, 3);
  EXPECT_THAT(views[0].jobs, ElementsAre(job));
}

}  // namespace
}  // namespace grange::schedule
