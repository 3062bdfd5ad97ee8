// What waits for what: stages, needs, when, allow_failure.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/schedule/farm.h"

namespace grange::schedule {
namespace {

using lifecycle::When;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr AllowFailure kMayFail{.always = true, .exit_codes = {}};

TEST(GraphTest, RunsAStageWhenTheOneBeforeIsDone) {
  Farm farm;
  farm.Connect({.slots = 4});
  farm.Submit({{.name = "a"}, {.name = "b"}, {.name = "c", .stage = 1}});
  EXPECT_THAT(farm.Running(), ElementsAre("a", "b"));
  farm.Succeed(farm.Job("a"));
  EXPECT_EQ(farm.State("c"), "created");
  farm.Succeed(farm.Job("b"));
  EXPECT_THAT(farm.Running(), ElementsAre("c"));
}

TEST(GraphTest, PassesOverAStageInWhichEverythingIsSkipped) {
  Farm farm;
  farm.Connect({.slots = 4});
  farm.Submit({{.name = "a"},
               {.name = "on_failure", .stage = 1, .when = When::kOnFailure},
               {.name = "c", .stage = 2}});
  farm.Succeed(farm.Job("a"));
  EXPECT_EQ(farm.State("on_failure"), "skipped");
  EXPECT_THAT(farm.Running(), ElementsAre("c"));
}

TEST(GraphTest, RunsAJobAsSoonAsItsNeedsAreDoneWhateverItsStage) {
  Farm farm;
  farm.Connect({.slots = 4});
  farm.Submit({{.name = "a"}, {.name = "b"}, {.name = "c", .stage = 1, .needs = {"a"}}});
  farm.Succeed(farm.Job("a"));
  EXPECT_THAT(farm.Running(), ElementsAre("b", "c"));
}

TEST(GraphTest, StartsAJobWithEmptyNeedsAtOnce) {
  Farm farm;
  farm.Connect({.slots = 4});
  farm.Submit({{.name = "a"}, {.name = "b", .stage = 1, .no_needs = true}});
  EXPECT_THAT(farm.Running(), ElementsAre("a", "b"));
}

TEST(GraphTest, AnOptionalNeedThatThePipelineLacksIsNoNeed) {
  Farm farm;
  farm.Connect({.slots = 1});
  JobNode node{.id = JobId(7), .name = "a", .has_needs = true, .needs = {{JobId(99), true}}};
  const std::vector<Decision> decisions =
      farm.scheduler().Apply(PipelineAdded{.id = PipelineId(5),
                                           .project = ProjectId(1),
                                           .project_name = "p",
                                           .stages = {"s"},
                                           .jobs = {node}},
                             farm.clock().Now());
  bool offered = false;
  for (const Decision& d : decisions) offered = offered || std::holds_alternative<SendOffer>(d);
  EXPECT_TRUE(offered);
}

// Job `x` after job `a` (and `b`, which succeeds) in stage order or by needs.
struct WhenCase {
  std::string name;
  When when;
  bool by_needs;
  std::string a_ends;  // "success", "failed", "allowed", "canceled"
  std::string x_becomes;
};

TEST(GraphTest, TheResultOfEarlierJobsDecidesByWhen) {
  const std::vector<WhenCase> cases = {
      {"on_success, success", When::kOnSuccess, false, "success", "running"},
      {"on_success, failed", When::kOnSuccess, false, "failed", "skipped"},
      {"on_success, allowed", When::kOnSuccess, false, "allowed", "running"},
      {"on_success, canceled", When::kOnSuccess, false, "canceled", "skipped"},
      {"on_failure, success", When::kOnFailure, false, "success", "skipped"},
      {"on_failure, failed", When::kOnFailure, false, "failed", "running"},
      {"on_failure, allowed", When::kOnFailure, false, "allowed", "skipped"},
      {"on_failure, canceled", When::kOnFailure, false, "canceled", "skipped"},
      {"always, success", When::kAlways, false, "success", "running"},
      {"always, failed", When::kAlways, false, "failed", "running"},
      {"always, canceled", When::kAlways, false, "canceled", "running"},
      {"manual, success", When::kManual, false, "success", "manual"},
      {"manual, failed", When::kManual, false, "failed", "skipped"},
      {"delayed, success", When::kDelayed, false, "success", "scheduled"},
      {"delayed, failed", When::kDelayed, false, "failed", "skipped"},
      {"needs, on_success, success", When::kOnSuccess, true, "success", "running"},
      {"needs, on_success, failed", When::kOnSuccess, true, "failed", "skipped"},
      {"needs, on_success, allowed", When::kOnSuccess, true, "allowed", "running"},
      {"needs, on_failure, failed", When::kOnFailure, true, "failed", "running"},
      {"needs, on_failure, allowed", When::kOnFailure, true, "allowed", "skipped"},
      {"needs, always, failed", When::kAlways, true, "failed", "running"},
      {"needs, manual, success", When::kManual, true, "success", "manual"},
  };
  for (const WhenCase& c : cases) {
    SCOPED_TRACE(c.name);
    Farm farm;
    farm.Connect({.slots = 4});
    TestJob x{.name = "x", .stage = 1, .when = c.when, .start_in = absl::Minutes(1)};
    if (c.by_needs) x.needs = {"a", "b"};
    const AllowFailure allow = c.a_ends == "allowed" ? kMayFail : AllowFailure{};
    farm.Submit({{.name = "a", .allow_failure = allow}, {.name = "b"}, x});
    farm.Succeed(farm.Job("b"));
    if (c.a_ends == "success") farm.Succeed(farm.Job("a"));
    if (c.a_ends == "failed" || c.a_ends == "allowed") farm.Fail(farm.Job("a"));
    if (c.a_ends == "canceled") {
      farm.Apply(CancelJob{farm.Job("a")});
      farm.End(farm.Job("a"), lifecycle::FailureReason::kCanceled, 0);
    }
    EXPECT_EQ(farm.State("x"), c.x_becomes);
  }
}

TEST(GraphTest, AllowsAFailureForTheNamedExitCodesOnly) {
  for (const int exit_code : {1, 42}) {
    Farm farm;
    farm.Connect({.slots = 4});
    const PipelineId pipeline =
        farm.Submit({{.name = "a", .allow_failure = {.always = false, .exit_codes = {42}}},
                     {.name = "b", .stage = 1}});
    farm.Fail(farm.Job("a"), exit_code);
    EXPECT_EQ(farm.Row(farm.Job("a")).allowed_to_fail, exit_code == 42);
    EXPECT_EQ(farm.State("b"), exit_code == 42 ? "running" : "skipped");
    if (exit_code == 1) {
      EXPECT_EQ(farm.PipelineState(pipeline), "failed");
    }
  }
}

TEST(GraphTest, SkipsAllThatNeedsASkippedJob) {
  Farm farm;
  farm.Connect({.slots = 4});
  farm.Submit({{.name = "a"},
               {.name = "b", .stage = 1, .needs = {"a"}},
               {.name = "c", .stage = 2, .needs = {"b"}},
               {.name = "always", .stage = 2, .when = When::kAlways, .needs = {"b"}}});
  farm.Fail(farm.Job("a"));
  EXPECT_EQ(farm.State("c"), "skipped");
  EXPECT_THAT(farm.Row(farm.Job("c")).detail, HasSubstr("needs 'b', which was skipped"));
  EXPECT_EQ(farm.State("always"), "running");
}

TEST(GraphTest, AFailureStopsLaterStagesButNotWhatIsReachedByNeeds) {
  Farm farm;
  farm.Connect({.slots = 4});
  farm.Submit({{.name = "bad"},
               {.name = "good"},
               {.name = "later", .stage = 1},
               {.name = "needing", .stage = 1, .needs = {"good"}}});
  farm.Fail(farm.Job("bad"));
  farm.Succeed(farm.Job("good"));
  EXPECT_EQ(farm.State("later"), "skipped");
  EXPECT_EQ(farm.State("needing"), "running");
}

TEST(GraphTest, AnOptionalManualJobBlocksNobodyInStageOrder) {
  Farm farm;
  farm.Connect({.slots = 4});
  const PipelineId pipeline =
      farm.Submit({{.name = "a"},
                   {.name = "m", .stage = 1, .when = When::kManual, .allow_failure = kMayFail},
                   {.name = "b", .stage = 2}});
  farm.Succeed(farm.Job("a"));
  EXPECT_EQ(farm.State("m"), "manual");
  EXPECT_EQ(farm.State("b"), "running");
  farm.Succeed(farm.Job("b"));
  EXPECT_EQ(farm.PipelineState(pipeline), "success");
}

TEST(GraphTest, ABlockingManualJobHoldsTheStagesAfterIt) {
  Farm farm;
  farm.Connect({.slots = 4});
  const PipelineId pipeline =
      farm.Submit({{.name = "m", .when = When::kManual}, {.name = "b", .stage = 1}});
  EXPECT_EQ(farm.PipelineState(pipeline), "manual");
  EXPECT_EQ(farm.State("b"), "created");
  farm.Apply(PlayJob{farm.Job("m")});
  farm.Succeed(farm.Job("m"));
  EXPECT_EQ(farm.State("b"), "running");
}

TEST(GraphTest, PlayingAnOptionalManualJobRevivesWhatNeedsIt) {
  Farm farm;
  farm.Connect({.slots = 4});
  farm.Submit({{.name = "m", .when = When::kManual, .allow_failure = kMayFail},
               {.name = "long"},
               {.name = "b", .stage = 1, .needs = {"m"}},
               {.name = "c", .stage = 2, .needs = {"b"}}});
  EXPECT_EQ(farm.State("b"), "skipped");
  EXPECT_EQ(farm.State("c"), "skipped");
  farm.Apply(PlayJob{farm.Job("m")});
  EXPECT_EQ(farm.State("b"), "created");
  farm.Succeed(farm.Job("m"));
  EXPECT_EQ(farm.State("b"), "running");
  farm.Succeed(farm.Job("b"));
  EXPECT_EQ(farm.State("c"), "running");
}

TEST(GraphTest, ADelayedJobStartsWhenItsTimerFires) {
  Farm farm;
  farm.Connect({.slots = 1});
  farm.Submit({{.name = "d", .when = When::kDelayed, .start_in = absl::Minutes(10)}});
  EXPECT_EQ(farm.State("d"), "scheduled");
  farm.Advance(absl::Minutes(10) - absl::Seconds(1));
  EXPECT_EQ(farm.State("d"), "scheduled");
  farm.Advance(absl::Seconds(1));
  EXPECT_EQ(farm.State("d"), "running");
}

TEST(GraphTest, ADelayedJobMayBeStartedEarlyOnce) {
  Farm farm;
  farm.Connect({.slots = 1});
  farm.Submit({{.name = "d", .when = When::kDelayed, .start_in = absl::Minutes(10)}});
  farm.Apply(PlayJob{farm.Job("d")});
  EXPECT_EQ(farm.State("d"), "running");
  EXPECT_EQ(farm.scheduler().NextDeadline(), absl::InfiniteFuture());
}

TEST(GraphTest, APipelineThatHasEndedIsDroppedFromMemory) {
  Farm farm;
  farm.Connect({.slots = 1});
  const PipelineId pipeline = farm.Submit({{.name = "a"}});
  EXPECT_TRUE(farm.scheduler().Knows(pipeline));
  farm.Succeed(farm.Job("a"));
  EXPECT_FALSE(farm.scheduler().Knows(pipeline));
  EXPECT_EQ(farm.PipelineState(pipeline), "success");
  EXPECT_EQ(farm.Row(pipeline).finished_at, farm.clock().Now());
}

TEST(GraphTest, TheRowOfAFailedPipelineNamesTheJob) {
  Farm farm;
  farm.Connect({.slots = 2});
  const PipelineId pipeline = farm.Submit({{.name = "lint", .allow_failure = kMayFail},
                                           {.name = "test"},
                                           {.name = "deploy", .stage = 1}});
  farm.Fail(farm.Job("lint"));
  farm.Fail(farm.Job("test"));
  EXPECT_THAT(farm.Row(pipeline).failure, HasSubstr("job 'test' failed: its script failed"));
}

TEST(GraphTest, APipelineWithoutJobsIsSkippedAtOnce) {
  Farm farm;
  const PipelineId pipeline = farm.Submit(std::vector<TestJob>{});
  EXPECT_EQ(farm.PipelineState(pipeline), "skipped");
  EXPECT_FALSE(farm.scheduler().Knows(pipeline));
  EXPECT_THAT(farm.Running(), IsEmpty());
}

}  // namespace
}  // namespace grange::schedule
