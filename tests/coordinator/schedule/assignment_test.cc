// How a job changes hands: offer, accept, grant, result; fences and retries.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/schedule/farm.h"

namespace grange::schedule {
namespace {

using lifecycle::FailureReason;
using lifecycle::JobState;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(AssignmentTest, GrantsOnlyWhatWasAccepted) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  EXPECT_EQ(farm.Row(job).phase, Phase::kOffered);
  EXPECT_EQ(farm.StateOf(job), JobState::kPending);
  EXPECT_THAT(farm.Take<SendStart>(), IsEmpty());

  farm.Accept(agent, farm.AssignmentOf(job));
  EXPECT_EQ(farm.Row(job).phase, Phase::kGranted);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
  EXPECT_THAT(farm.Take<SendStart>(), SizeIs(1));
  farm.Started(agent, farm.AssignmentOf(job));
  EXPECT_EQ(farm.Row(job).phase, Phase::kRunning);
}

TEST(AssignmentTest, StoresTheFenceWithTheOfferThatUsesIt) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  EXPECT_EQ(farm.highest_fence(), farm.Row(job).fence);
  EXPECT_GT(FenceValue(farm.highest_fence()), 0u);
}

TEST(AssignmentTest, AcceptTwiceStartsOnce) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Accept(agent, farm.AssignmentOf(job));
  EXPECT_THAT(farm.Take<SendStart>(), SizeIs(1));
}

TEST(AssignmentTest, AnOfferThatIsNotAcceptedInTimeGoesToAnotherAgent) {
  Farm farm;
  const AgentId mute = farm.Connect({.slots = 2});
  farm.Answers(mute, false);
  const JobId job = farm.Submit("a");
  const Assignment old = farm.AssignmentOf(job);
  const AgentId other = farm.Connect({.slots = 1});
  farm.Advance(absl::Seconds(30));
  EXPECT_EQ(farm.AgentOf(job), other);
  EXPECT_EQ(farm.Row(job).attempt, old.attempt);  // a withdrawn offer is no attempt
  EXPECT_GT(farm.Row(job).fence, old.fence);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
}

TEST(AssignmentTest, AnAcceptUnderAnOldFenceIsRevoked) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  const Assignment old = farm.AssignmentOf(job);
  farm.Advance(absl::Seconds(30));
  farm.Take<SendRevoke>();
  farm.Accept(agent, old);
  EXPECT_THAT(farm.Take<SendStart>(), IsEmpty());
  EXPECT_THAT(farm.Take<SendRevoke>(), SizeIs(1));
}

TEST(AssignmentTest, ADeclinedJobIsNotOfferedToTheSameAgentAgainAtOnce) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  farm.Take<SendOffer>();
  farm.Decline(agent, farm.AssignmentOf(job), "no room");
  EXPECT_THAT(farm.Take<SendOffer>(), IsEmpty());
  EXPECT_EQ(farm.StateOf(job), JobState::kPending);
  farm.Advance(absl::Seconds(10));
  EXPECT_THAT(farm.Take<SendOffer>(), SizeIs(1));
}

TEST(AssignmentTest, AJobThatCannotBePutIntoWordsFailsAndIsNotRetried) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  lifecycle::RetryPolicy retry;
  retry.max = 2;
  farm.Submit({{.name = "a", .retry = retry}});
  const JobId job = farm.Job("a");

  farm.Apply(JobUnofferable{farm.AssignmentOf(job), "GIT_DEPTH is 'x'; it takes a number"});

  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
  EXPECT_EQ(farm.Row(job).detail, "GIT_DEPTH is 'x'; it takes a number");
}

TEST(AssignmentTest, AGrantedJobThatCannotBeStartedFailsAndItsAgentForgetsIt) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  const Assignment assignment = farm.AssignmentOf(job);
  farm.Accept(agent, assignment);

  farm.Apply(JobUnofferable{assignment, "its variables are too large"});

  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
  EXPECT_EQ(farm.Row(job).detail, "its variables are too large");
  EXPECT_THAT(farm.Take<SendRevoke>(), SizeIs(1));
}

TEST(AssignmentTest, AJobThatRunsIsNotUnofferableAnyMore) {
  Farm farm;
  farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Apply(JobUnofferable{farm.AssignmentOf(job), "too late"});
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
}

TEST(AssignmentTest, ADeclinedJobDoesNotHoldUpTheNextOne) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId first = farm.Submit("a");
  const JobId second = farm.Submit("b");
  farm.Decline(agent, farm.AssignmentOf(first), "no room");
  EXPECT_EQ(farm.AgentOf(second), agent);
}

TEST(AssignmentTest, AnAgentThatDeclinesEverythingIsLeftAloneForAWhile) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  for (int i = 0; i < 10; ++i) farm.Submit(absl::StrCat("job", i));
  int declined = 0;
  while (true) {
    const std::vector<SendOffer> offers = farm.Take<SendOffer>();
    if (offers.empty()) break;
    ASSERT_LT(++declined, 10);
    farm.Decline(agent, offers.front().assignment, "disk full");
  }
  EXPECT_EQ(declined, 3);
  farm.Advance(absl::Seconds(10));
  EXPECT_THAT(farm.Take<SendOffer>(), SizeIs(1));
}

TEST(AssignmentTest, AResultEndsTheJobAndIsForgottenByItsAgent) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  const Assignment assignment = farm.AssignmentOf(job);
  farm.Succeed(job);
  EXPECT_EQ(farm.StateOf(job), JobState::kSuccess);
  EXPECT_EQ(farm.Row(job).finished_at, farm.clock().Now());
  ASSERT_THAT(farm.Take<SendForget>(), SizeIs(1));

  // The pipeline is out of memory; the same result again changes nothing and is answered alike.
  const size_t rows = farm.history().size();
  farm.Finished(agent, assignment, FailureReason::kScriptFailure, 1);
  EXPECT_EQ(farm.history().size(), rows);
  EXPECT_THAT(farm.Take<SendForget>(), SizeIs(1));
}

TEST(AssignmentTest, ResultsOfUnknownJobsAreRevoked) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Finished(agent, {JobId(4711), 1, Fence{9}}, FailureReason::kNone, 0);
  EXPECT_THAT(farm.Take<SendRevoke>(), SizeIs(1));
}

TEST(AssignmentTest, AResultOfAnotherAgentIsRefused) {
  Farm farm;
  farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  const AgentId thief = farm.Connect({.slots = 1});
  farm.Finished(thief, farm.AssignmentOf(job), FailureReason::kNone, 0);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
  EXPECT_THAT(farm.Take<SendRevoke>(), SizeIs(1));
}

TEST(AssignmentTest, ExitCodeOtherThanZeroWithoutAReasonIsAScriptFailure) {
  Farm farm;
  farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.End(job, FailureReason::kNone, 3);
  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
  EXPECT_EQ(farm.Row(job).reason, FailureReason::kScriptFailure);
}

TEST(AssignmentTest, RetriesAsOftenAsThePolicySays) {
  Farm farm;
  farm.Connect({.slots = 1});
  farm.Submit({{.name = "a", .retry = {.max = 2, .when = {}, .exit_codes = {}}},
               {.name = "b", .stage = 1}});
  const JobId job = farm.Job("a");
  farm.Fail(job);
  EXPECT_EQ(farm.Row(job).attempt, 2);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
  farm.Fail(job);
  EXPECT_EQ(farm.Row(job).attempt, 3);
  EXPECT_EQ(farm.State("b"), "created");  // followers wait for the last attempt
  farm.Fail(job);
  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
  EXPECT_EQ(farm.State("b"), "skipped");
}

TEST(AssignmentTest, WritesHowAnAttemptEndedBeforeTheNextOneHidesIt) {
  Farm farm;
  farm.Connect({.slots = 1});
  farm.Submit({{.name = "a", .retry = {.max = 1, .when = {}, .exit_codes = {}}}});
  farm.Fail(farm.Job("a"), 7);
  bool seen = false;
  for (const StoreJob& row : farm.history()) {
    if (row.attempt != 1) continue;
    seen = seen || (row.state == JobState::kFailed && row.exit_code == 7);
    if (seen) {
      EXPECT_EQ(row.state, JobState::kFailed);
    }
  }
  EXPECT_TRUE(seen);
  EXPECT_EQ(farm.Row(farm.Job("a")).automatic_retries, 1);
}

TEST(AssignmentTest, ALateResultOfAnOldAttemptChangesNothing) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Submit({{.name = "a", .retry = {.max = 1, .when = {}, .exit_codes = {}}}});
  const JobId job = farm.Job("a");
  const Assignment first = farm.AssignmentOf(job);
  farm.Fail(job);
  farm.Finished(agent, first, FailureReason::kNone, 0);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
  EXPECT_EQ(farm.Row(job).attempt, 2);
}

TEST(AssignmentTest, MessagesOfAnOldSessionAreNotLookedAt) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  const SessionId old = farm.SessionOf(agent);
  farm.Hello(agent, {{farm.AssignmentOf(job), JobReport::Phase::kRunning}});
  const std::vector<Decision> decisions =
      farm.Apply(JobFinished{agent, old, farm.AssignmentOf(job), FailureReason::kNone, 0});
  EXPECT_THAT(decisions, IsEmpty());
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
}

TEST(AssignmentTest, EqualEventsGiveEqualDecisions) {
  const auto run = [] {
    Farm farm;
    farm.Connect({.slots = 3, .tags = {"x"}});
    farm.Connect({.slots = 3});
    for (int i = 0; i < 8; ++i) {
      farm.Submit({{.name = "a"}, {.name = "b", .tags = {"x"}}, {.name = "c", .stage = 1}});
    }
    for (int i = 0; i < 20; ++i) {
      for (const auto& agent : farm.scheduler().Agents()) {
        if (!agent.jobs.empty()) farm.Succeed(agent.jobs.front());
      }
    }
    std::vector<std::pair<JobId, AgentId>> rows;
    for (const StoreJob& row : farm.history()) rows.emplace_back(row.id, row.agent);
    return rows;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace grange::schedule
