// Hello, absence and restarts: the table of docs/formats/agent-protocol.md §6.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/schedule/farm.h"

namespace grange::schedule {
namespace {

using lifecycle::FailureReason;
using lifecycle::JobState;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Reported = JobReport::Phase;
using Verdict = SendWelcome::Verdict;

constexpr absl::Duration kLostAfter = absl::Minutes(5);

Verdict OnlyVerdict(Farm& farm) {
  const std::vector<SendWelcome> welcomes = farm.Take<SendWelcome>();
  EXPECT_THAT(welcomes, SizeIs(1));
  EXPECT_THAT(welcomes.back().verdicts, SizeIs(1));
  return welcomes.back().verdicts.front().verdict;
}

struct Row {
  std::string name;
  Phase had;          // by the coordinator's rows
  Reported reported;  // by the agent, same fence
  Verdict verdict;
  JobState state;
  Phase phase;
};

// The coordinator restarts, so that an offer is still open when the agent comes back.
TEST(ReconcileTest, AnswersAReportAsTheTableSays) {
  const std::vector<Row> rows = {
      {"accepted, offered", Phase::kOffered, Reported::kAccepted, Verdict::kStart,
       JobState::kRunning, Phase::kGranted},
      {"accepted, granted", Phase::kGranted, Reported::kAccepted, Verdict::kStart,
       JobState::kRunning, Phase::kGranted},
      {"starting, granted", Phase::kGranted, Reported::kStarting, Verdict::kGoOn,
       JobState::kRunning, Phase::kGranted},
      {"running, granted", Phase::kGranted, Reported::kRunning, Verdict::kGoOn, JobState::kRunning,
       Phase::kRunning},
      {"finished, granted", Phase::kGranted, Reported::kFinished, Verdict::kGoOn,
       JobState::kRunning, Phase::kGranted},
      {"finished, running", Phase::kRunning, Reported::kFinished, Verdict::kGoOn,
       JobState::kRunning, Phase::kRunning},
      {"accepted, running", Phase::kRunning, Reported::kAccepted, Verdict::kRevoke,
       JobState::kFailed, Phase::kNone},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Farm farm;
    const AgentId agent = farm.Connect({.slots = 1});
    farm.Answers(agent, false);
    const JobId job = farm.Submit("a");
    if (row.had != Phase::kOffered) farm.Accept(agent, farm.AssignmentOf(job));
    if (row.had == Phase::kRunning) farm.Started(agent, farm.AssignmentOf(job));
    ASSERT_EQ(farm.Row(job).phase, row.had);
    farm.RestartCoordinator();
    farm.Take<SendWelcome>();
    farm.Take<SendStart>();
    farm.Hello(agent, {{farm.AssignmentOf(job), row.reported}});
    EXPECT_EQ(OnlyVerdict(farm), row.verdict);
    EXPECT_EQ(farm.StateOf(job), row.state);
    EXPECT_EQ(farm.Row(job).phase, row.phase);
    EXPECT_THAT(farm.Take<SendStart>(), SizeIs(row.verdict == Verdict::kStart ? 1 : 0));
  }
}

// The coordinator died between the drain's row and the withdrawal's.
TEST(ReconcileTest, NothingIsGrantedToAnAgentThatDrains) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  const Assignment offer = farm.AssignmentOf(job);
  farm.MarkDraining(agent);
  farm.RestartCoordinator();
  farm.Take<SendWelcome>();
  farm.Hello(agent, {{offer, Reported::kAccepted}});
  EXPECT_EQ(OnlyVerdict(farm), Verdict::kRevoke);
  EXPECT_THAT(farm.Take<SendStart>(), IsEmpty());
  EXPECT_EQ(farm.StateOf(job), JobState::kPending);
  EXPECT_EQ(farm.Row(job).phase, Phase::kNone);
}

TEST(ReconcileTest, AFinishedReportOfAFinalJobIsForgotten) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  const Assignment assignment = farm.AssignmentOf(job);
  farm.Succeed(job);
  farm.Take<SendWelcome>();
  farm.Hello(agent, {{assignment, Reported::kFinished}});
  EXPECT_EQ(OnlyVerdict(farm), Verdict::kForget);
}

TEST(ReconcileTest, AnOtherFenceAndAnUnknownJobAreRevoked) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  Assignment other = farm.AssignmentOf(job);
  other.fence = Fence{FenceValue(other.fence) + 1};
  farm.Take<SendWelcome>();
  farm.Hello(agent, {{farm.AssignmentOf(job), Reported::kRunning},
                     {other, Reported::kRunning},
                     {{JobId(999), 1, Fence{1}}, Reported::kFinished}});
  const std::vector<SendWelcome> welcome = farm.Take<SendWelcome>();
  ASSERT_THAT(welcome, SizeIs(1));
  EXPECT_EQ(welcome[0].verdicts[0].verdict, Verdict::kGoOn);
  EXPECT_EQ(welcome[0].verdicts[1].verdict, Verdict::kRevoke);
  EXPECT_EQ(welcome[0].verdicts[2].verdict, Verdict::kRevoke);
}

TEST(ReconcileTest, AnOfferThatTheAgentDoesNotListIsWithdrawn) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  const Fence old = farm.Row(job).fence;
  farm.RestartCoordinator();
  EXPECT_EQ(farm.Row(job).phase, Phase::kOffered);
  farm.Answers(agent, true);
  farm.Hello(agent);
  EXPECT_GT(farm.Row(job).fence, old);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
  EXPECT_EQ(farm.Row(job).attempt, 1);
}

TEST(ReconcileTest, AGrantedJobThatTheAgentDoesNotListIsLost) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  const Fence old = farm.Row(job).fence;
  farm.Hello(agent);
  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
  EXPECT_EQ(farm.Row(job).reason, FailureReason::kAgentForgot);
  EXPECT_GT(farm.Row(job).fence, old);
}

TEST(ReconcileTest, AWantedCancelIsRepeatedInEveryHello) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Disconnect(agent);
  farm.Apply(CancelJob{job});
  EXPECT_THAT(farm.Take<SendCancel>(), IsEmpty());
  for (int i = 0; i < 2; ++i) {
    farm.Hello(agent, {{farm.AssignmentOf(job), Reported::kRunning}});
    EXPECT_THAT(farm.Take<SendCancel>(), SizeIs(1));
  }
}

TEST(ReconcileTest, ACancelByForceIsRepeatedWithItsForceAlsoByAnotherCoordinator) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Disconnect(agent);
  farm.Apply(CancelJob{job});
  farm.Apply(CancelJob{job, true});
  for (int i = 0; i < 2; ++i) {
    farm.RestartCoordinator();
    farm.Hello(agent, {{farm.AssignmentOf(job), Reported::kRunning}});
    const std::vector<SendCancel> sent = farm.Take<SendCancel>();
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_TRUE(sent[0].force);
  }
}

TEST(ReconcileTest, AnAcceptedJobThatIsToBeCanceledIsNotStarted) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  farm.Accept(agent, farm.AssignmentOf(job));
  farm.Apply(CancelJob{job});
  farm.Take<SendStart>();
  farm.Take<SendCancel>();
  farm.Take<SendWelcome>();
  farm.Hello(agent, {{farm.AssignmentOf(job), Reported::kAccepted}});
  EXPECT_EQ(OnlyVerdict(farm), Verdict::kGoOn);
  EXPECT_THAT(farm.Take<SendStart>(), IsEmpty());
  EXPECT_THAT(farm.Take<SendCancel>(), SizeIs(1));
}

TEST(ReconcileTest, OffersGoBackAtOnceWhenTheSessionEnds) {
  Farm farm;
  const AgentId first = farm.Connect({.slots = 2});
  farm.Answers(first, false);
  const JobId job = farm.Submit("a");
  const AgentId second = farm.Connect({.slots = 1});
  farm.Disconnect(first);
  EXPECT_EQ(farm.AgentOf(job), second);
}

TEST(ReconcileTest, N2ALostAttemptSaysSoWithItsAgentAndTheLastContact) {
  Farm farm;
  const AgentId agent = farm.Connect({.name = "build-1", .slots = 1});
  TestJob spec{.name = "a"};
  spec.retry = {.max = 1, .when = {FailureReason::kAgentLost}, .exit_codes = {}};
  farm.Submit({spec});
  farm.Disconnect(agent);
  farm.Advance(kLostAfter);
  const StoreJob* lost = nullptr;  // the row of the first attempt's end
  for (const StoreJob& row : farm.history()) {
    if (row.attempt == 1 && row.state == JobState::kFailed) lost = &row;
  }
  ASSERT_NE(lost, nullptr);
  EXPECT_EQ(lost->detail,
            "lost: no contact for 5 min; agent 'build-1' was last connected at "
            "2023-11-14T22:13:20Z, check its machine");
  EXPECT_EQ(farm.Row(lost->id).attempt, 2);
}

TEST(ReconcileTest, WhoWatchesAJobHearsThatItsAgentGoesAndComes) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  size_t rows = farm.history().size();
  farm.Disconnect(agent);
  EXPECT_EQ(farm.history().size(), rows + 1);
  rows = farm.history().size();
  farm.Hello(agent, {{farm.AssignmentOf(job), Reported::kRunning}});
  EXPECT_EQ(farm.history().size(), rows + 1);
}

TEST(ReconcileTest, FailsAJobAfterLostAfterUnlessItsRetryPolicyNamesAgentLost) {
  for (const bool retry : {false, true}) {
    Farm farm;
    const AgentId agent = farm.Connect({.slots = 1});
    TestJob spec{.name = "a"};
    if (retry) spec.retry = {.max = 1, .when = {FailureReason::kAgentLost}, .exit_codes = {}};
    farm.Submit({spec});
    const JobId job = farm.Job("a");
    const Fence old = farm.Row(job).fence;
    farm.Disconnect(agent);
    farm.Advance(kLostAfter - absl::Seconds(1));
    EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
    farm.Advance(absl::Seconds(1));
    EXPECT_EQ(farm.StateOf(job), retry ? JobState::kPending : JobState::kFailed);
    EXPECT_GT(farm.Row(job).fence, old);
    if (!retry) {
      EXPECT_EQ(farm.Row(job).reason, FailureReason::kAgentLost);
    }
    // Its late word is answered with Revoke.
    farm.Take<SendWelcome>();
    farm.Hello(agent, {{{job, 1, old}, Reported::kRunning}});
    EXPECT_EQ(OnlyVerdict(farm), Verdict::kRevoke);
  }
}

TEST(ReconcileTest, AnAgentThatComesBackInTimeKeepsItsJob) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Disconnect(agent);
  farm.Advance(kLostAfter - absl::Seconds(1));
  farm.Hello(agent, {{farm.AssignmentOf(job), Reported::kRunning}});
  farm.Advance(kLostAfter * 2);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
}

TEST(ReconcileTest, AfterARestartAllCountdownsBeginAnew) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Disconnect(agent);
  farm.Advance(kLostAfter - absl::Seconds(1));
  farm.RestartCoordinator();
  farm.Advance(kLostAfter - absl::Seconds(1));
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
  farm.Advance(absl::Seconds(1));
  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
}

TEST(ReconcileTest, ARestartKeepsQueueTimersStartTimesAndFences) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  const PipelineId pipeline = farm.Submit(
      {{.name = "a"},
       {.name = "b"},
       {.name = "d", .when = lifecycle::When::kDelayed, .start_in = absl::Minutes(20)}});
  const StoreJob running = farm.Row(farm.Job("a"));
  farm.Advance(absl::Minutes(1));
  farm.RestartCoordinator();
  farm.Hello(agent, {{farm.AssignmentOf(running.id), Reported::kRunning}});
  EXPECT_EQ(farm.State("b"), "pending");
  farm.Succeed(running.id);
  EXPECT_EQ(farm.Row(running.id).started_at, running.started_at);
  EXPECT_EQ(farm.Row(pipeline).started_at, running.started_at);
  EXPECT_EQ(farm.State("b"), "running");
  EXPECT_GT(farm.Row(farm.Job("b")).fence, running.fence);
  farm.Succeed(farm.Job("b"));
  farm.Advance(absl::Minutes(19));
  EXPECT_EQ(farm.State("d"), "running");
}

}  // namespace
}  // namespace grange::schedule
