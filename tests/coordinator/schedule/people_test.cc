// What people ask for: cancel, retry, play.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/schedule/farm.h"

namespace grange::schedule {
namespace {

using lifecycle::FailureReason;
using lifecycle::JobState;
using lifecycle::When;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(PeopleTest, CancellingAWaitingJobEndsItAtOnce) {
  Farm farm;
  const JobId job = farm.Submit("a");
  farm.Apply(CancelJob{job});
  EXPECT_EQ(farm.StateOf(job), JobState::kCanceled);
  farm.Connect({.slots = 1});
  EXPECT_THAT(farm.Running(), IsEmpty());
}

TEST(PeopleTest, CancellingAnOfferedJobWithdrawsItUnderANewFence) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Answers(agent, false);
  const JobId job = farm.Submit("a");
  const Assignment old = farm.AssignmentOf(job);
  farm.Apply(CancelJob{job});
  EXPECT_EQ(farm.StateOf(job), JobState::kCanceled);
  EXPECT_GT(farm.Row(job).fence, old.fence);
  EXPECT_THAT(farm.Take<SendRevoke>(), SizeIs(1));
  farm.Accept(agent, old);
  EXPECT_THAT(farm.Take<SendStart>(), IsEmpty());
}

TEST(PeopleTest, CancellingARunningJobAsksItsAgentAndWaitsForTheResult) {
  Farm farm;
  farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Apply(CancelJob{job});
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
  EXPECT_TRUE(farm.Row(job).cancel_wanted);
  EXPECT_THAT(farm.Take<SendCancel>(), SizeIs(1));
  farm.End(job, FailureReason::kScriptFailure, 143);
  EXPECT_EQ(farm.StateOf(job), JobState::kCanceled);
  EXPECT_EQ(farm.Row(job).reason, FailureReason::kCanceled);
}

TEST(PeopleTest, ACancelByForceIsSentAtOnceAlsoToAJobThatIsBeingCanceled) {
  Farm farm;
  farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  farm.Apply(CancelJob{job});
  std::vector<SendCancel> sent = farm.Take<SendCancel>();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_FALSE(sent[0].force);
  EXPECT_FALSE(farm.Row(job).cancel_by_force);
  EXPECT_THAT(std::string(farm.scheduler().Check(CancelJob{job}).message()),
              HasSubstr("'grangectl cancel-job --force"));

  ASSERT_TRUE(farm.scheduler().Check(CancelJob{job, true}).ok());
  farm.Apply(CancelJob{job, true});

  sent = farm.Take<SendCancel>();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].force);
  EXPECT_TRUE(farm.Row(job).cancel_by_force);
  for (const bool force : {false, true}) {  // there is nothing above it, and no way back
    EXPECT_THAT(std::string(farm.scheduler().Check(CancelJob{job, force}).message()),
                HasSubstr("is being killed already"));
    farm.Apply(CancelJob{job, force});
    EXPECT_TRUE(farm.Row(job).cancel_by_force);
  }
  EXPECT_THAT(farm.Take<SendCancel>(), IsEmpty());
}

TEST(PeopleTest, CancelingAPipelineByForceKillsWhatRunsAndNextAttemptsAreFreeOfIt) {
  Farm farm;
  farm.Connect({.slots = 2});
  const PipelineId pipeline =
      farm.Submit({{.name = "a"}, {.name = "b"}, {.name = "c", .stage = 1}});
  const auto force = CancelPipeline{pipeline, true};
  farm.Apply(CancelPipeline{pipeline});
  farm.Take<SendCancel>();
  EXPECT_THAT(std::string(farm.scheduler().Check(CancelPipeline{pipeline}).message()),
              HasSubstr("'grangectl cancel --force' kills it at once"));
  ASSERT_TRUE(farm.scheduler().Check(force).ok());
  farm.Apply(force);
  const std::vector<SendCancel> sent = farm.Take<SendCancel>();
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_TRUE(sent[0].force && sent[1].force);
  EXPECT_FALSE(farm.scheduler().Check(force).ok());

  farm.End(farm.Job("a"), FailureReason::kCanceled, 0);
  farm.Apply(RetryJob{farm.Job("a")});
  EXPECT_FALSE(farm.Row(farm.Job("a")).cancel_wanted);
  EXPECT_FALSE(farm.Row(farm.Job("a")).cancel_by_force);
}

TEST(PeopleTest, ACanceledJobIsNotRetriedByItsPolicy) {
  Farm farm;
  const AgentId agent = farm.Connect({.slots = 1});
  farm.Submit({{.name = "a", .retry = {.max = 2, .when = {}, .exit_codes = {}}}});
  const JobId job = farm.Job("a");
  farm.Apply(CancelJob{job});
  farm.Disconnect(agent);
  farm.Advance(absl::Hours(1));
  EXPECT_EQ(farm.StateOf(job), JobState::kCanceled);
  EXPECT_EQ(farm.Row(job).attempt, 1);
}

TEST(PeopleTest, CancellingAPipelineEndsAllOfIt) {
  Farm farm;
  farm.Connect({.slots = 1});
  const PipelineId pipeline =
      farm.Submit({{.name = "running"},
                   {.name = "queued"},
                   {.name = "manual", .when = When::kManual},
                   {.name = "delayed", .when = When::kDelayed, .start_in = absl::Hours(1)},
                   {.name = "later", .stage = 1},
                   {.name = "always", .stage = 2, .when = When::kAlways}});
  farm.Apply(CancelPipeline{pipeline});
  EXPECT_EQ(farm.PipelineState(pipeline), "running");
  farm.End(farm.Job("running"), FailureReason::kCanceled, 0);
  EXPECT_EQ(farm.PipelineState(pipeline), "canceled");
  for (const char* job : {"running", "queued", "manual", "delayed", "later", "always"}) {
    EXPECT_EQ(farm.State(job), "canceled") << job;
  }
  EXPECT_FALSE(farm.scheduler().Knows(pipeline));
  EXPECT_EQ(farm.scheduler().NextDeadline(), absl::InfiniteFuture());
}

TEST(PeopleTest, RetryingAFailedJobMakesANewAttemptAndRevivesWhatWasSkipped) {
  Farm farm;
  farm.Connect({.slots = 4});
  const PipelineId pipeline = farm.Submit({{.name = "a"},
                                           {.name = "long"},
                                           {.name = "b", .stage = 1},
                                           {.name = "c", .stage = 2, .needs = {"b"}}});
  farm.Fail(farm.Job("a"));
  farm.Succeed(farm.Job("long"));
  ASSERT_EQ(farm.PipelineState(pipeline), "failed");
  ASSERT_FALSE(farm.scheduler().Knows(pipeline));

  farm.RestartCoordinator();  // with the final pipeline brought back below
  farm.Connect({.slots = 4});
  PipelineAdded again{.id = pipeline,
                      .project = ProjectId(1),
                      .project_name = "site",
                      .stages = {"s0", "s1", "s2"},
                      .jobs = {},
                      .state = lifecycle::PipelineState::kFailed};
  for (const char* name : {"a", "long", "b", "c"}) {
    const StoreJob& row = farm.Row(farm.Job(name));
    JobNode node{.id = row.id, .name = name};
    node.stage = row.id == farm.Job("b") ? 1 : row.id == farm.Job("c") ? 2 : 0;
    node.has_needs = row.id == farm.Job("c");
    if (node.has_needs) node.needs.push_back({farm.Job("b"), false});
    node.state = row.state;
    node.attempt = row.attempt;
    node.fence = row.fence;
    node.reason = row.reason;
    again.jobs.push_back(node);
  }
  farm.Apply(again);
  EXPECT_TRUE(farm.scheduler().Knows(pipeline));
  ASSERT_TRUE(farm.scheduler().Check(RetryJob{farm.Job("a")}).ok());
  farm.Apply(RetryJob{farm.Job("a")});
  EXPECT_EQ(farm.Row(farm.Job("a")).attempt, 2);
  EXPECT_EQ(farm.State("b"), "created");
  EXPECT_EQ(farm.PipelineState(pipeline), "running");
  farm.Succeed(farm.Job("a"));
  EXPECT_EQ(farm.State("b"), "running");
  farm.Succeed(farm.Job("b"));
  farm.Succeed(farm.Job("c"));
  EXPECT_EQ(farm.PipelineState(pipeline), "success");
}

// Somebody reads the rows, and before they reach the scheduler the pipeline ends.
TEST(PeopleTest, RowsThatWereReadBeforeACancelDoNotBringTheJobBack) {
  Farm farm;
  const PipelineId pipeline = farm.Submit({{.name = "held", .when = When::kManual}});
  const PipelineAdded read_before = farm.Rows(pipeline);
  ASSERT_EQ(farm.State("held"), "manual");
  farm.Apply(CancelPipeline{pipeline});
  ASSERT_FALSE(farm.scheduler().Knows(pipeline));

  farm.Apply(read_before);

  EXPECT_FALSE(farm.scheduler().Knows(pipeline));
  farm.Apply(farm.Rows(pipeline));
  EXPECT_TRUE(farm.scheduler().Knows(pipeline));
}

TEST(PeopleTest, RetryingAPipelineRunsAllThatFailedOrWasCanceled) {
  Farm farm;
  farm.Connect({.slots = 4});
  const PipelineId pipeline =
      farm.Submit({{.name = "bad"},
                   {.name = "good"},
                   {.name = "stopped"},
                   {.name = "last", .stage = 1},
                   {.name = "keep", .stage = 1, .when = When::kManual, .no_needs = true}});
  farm.Fail(farm.Job("bad"));
  farm.Succeed(farm.Job("good"));
  farm.Apply(CancelJob{farm.Job("stopped")});
  farm.End(farm.Job("stopped"), FailureReason::kCanceled, 0);
  ASSERT_EQ(farm.State("last"), "skipped");

  farm.Apply(RetryPipeline{pipeline});
  EXPECT_EQ(farm.State("bad"), "running");
  EXPECT_EQ(farm.State("stopped"), "running");
  EXPECT_EQ(farm.State("good"), "success");
  EXPECT_EQ(farm.State("last"), "created");
  EXPECT_EQ(farm.Row(farm.Job("good")).attempt, 1);
  EXPECT_EQ(farm.Row(farm.Job("bad")).attempt, 2);
  farm.Succeed(farm.Job("bad"));
  farm.Succeed(farm.Job("stopped"));
  EXPECT_EQ(farm.State("last"), "running");
}

TEST(PeopleTest, ARetryCountsThePolicysRetriesAnew) {
  Farm farm;
  farm.Connect({.slots = 2});
  farm.Submit({{.name = "a", .retry = {.max = 1, .when = {}, .exit_codes = {}}}, {.name = "long"}});
  const JobId job = farm.Job("a");
  farm.Fail(job);
  farm.Fail(job);
  EXPECT_EQ(farm.StateOf(job), JobState::kFailed);
  farm.Apply(RetryJob{job});
  farm.Fail(job);
  EXPECT_EQ(farm.Row(job).attempt, 4);
  EXPECT_EQ(farm.StateOf(job), JobState::kRunning);
}

struct RefusedCase {
  std::string job;
  Event request;
  std::string text;
};

TEST(PeopleTest, RefusesWhatCannotBeDoneWithTheReasonAndTheNextStep) {
  Farm farm;
  farm.Connect({.slots = 2});
  const PipelineId pipeline = farm.Submit({{.name = "done"},
                                           {.name = "running"},
                                           {.name = "manual", .when = When::kManual},
                                           {.name = "created", .stage = 1}});
  farm.Succeed(farm.Job("done"));
  const std::vector<RefusedCase> cases = {
      {"done", CancelJob{farm.Job("done")}, "has ended (success)"},
      {"done", PlayJob{farm.Job("done")}, "retry-job"},
      {"running", RetryJob{farm.Job("running")}, "cancel it first"},
      {"running", PlayJob{farm.Job("running")}, "is started already"},
      {"manual", RetryJob{farm.Job("manual")}, "grangectl play"},
      {"created", PlayJob{farm.Job("created")}, "is not ready"},
      {"", RetryPipeline{pipeline}, "nothing to retry"},
  };
  for (const RefusedCase& c : cases) {
    const absl::Status status = farm.scheduler().Check(c.request);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << c.job;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.text));
    const size_t rows = farm.history().size();
    farm.Apply(c.request);
    EXPECT_EQ(farm.history().size(), rows) << "a refused request changed something: " << c.job;
  }
  EXPECT_EQ(farm.scheduler().Check(CancelJob{JobId(999)}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(farm.scheduler().Check(CancelPipeline{PipelineId(999)}).code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(farm.scheduler().Check(PlayJob{farm.Job("manual")}).ok());
  EXPECT_TRUE(farm.scheduler().Check(CancelPipeline{pipeline}).ok());
}

TEST(PeopleTest, RowsThatWereReadBeforeThePipelineEndedDoNotBringItBack) {
  Farm farm;
  farm.Connect({.slots = 1});
  const JobId job = farm.Submit("a");
  const StoreJob row = farm.Row(job);
  const PipelineId pipeline = row.pipeline;
  JobNode node{.id = job, .name = "a"};
  node.state = row.state;
  node.attempt = row.attempt;
  node.phase = row.phase;
  node.fence = row.fence;
  node.agent = row.agent;
  PipelineAdded rows{.id = pipeline,
                     .project = ProjectId(1),
                     .project_name = "site",
                     .stages = {"s0"},
                     .jobs = {node},
                     .state = lifecycle::PipelineState::kRunning};
  farm.Fail(job);
  farm.Apply(rows);
  EXPECT_FALSE(farm.scheduler().Knows(pipeline));

  rows.jobs[0].state = JobState::kFailed;
  rows.jobs[0].phase = Phase::kNone;
  farm.Apply(rows);
  EXPECT_TRUE(farm.scheduler().Knows(pipeline));
}

TEST(PeopleTest, OnlySoManyFinalPipelinesStayInMemory) {
  Farm farm;
  for (int i = 1; i <= 100; ++i) {
    JobNode node{.id = JobId(1000 + i), .name = "a"};
    node.state = JobState::kFailed;
    node.attempt = 1;
    farm.Apply(PipelineAdded{.id = PipelineId(i),
                             .project = ProjectId(1),
                             .project_name = "p",
                             .stages = {"s"},
                             .jobs = {node},
                             .state = lifecycle::PipelineState::kFailed});
  }
  int known = 0;
  for (int i = 1; i <= 100; ++i) known += farm.scheduler().Knows(PipelineId(i)) ? 1 : 0;
  EXPECT_EQ(known, 16);
  EXPECT_TRUE(farm.scheduler().Knows(PipelineId(100)));
}

}  // namespace
}  // namespace grange::schedule
