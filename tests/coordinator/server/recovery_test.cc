#include "coordinator/server/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "coordinator/pipeline/graph_json.h"
#include "coordinator/server/pipeline_book.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::server {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class RecoveryTest : public store::StoreFixture {
 protected:
  // A pipeline of `build` and, needing it, `test`.
  struct Made {
    store::PipelineRow row;
    std::vector<store::JobRow> jobs;
  };
  Made MakePipeline() {
    Made made{.row = APipeline(), .jobs = {AJob(0, "build"), AJob(1, "test")}};
    pipeline::JobPlan build;
    build.name = "build";
    build.tags = {"linux"};
    pipeline::JobPlan test;
    test.name = "test";
    test.stage_index = 1;
    test.needs = {{.job = "build", .artifacts = true, .optional = true}};
    test.when = lifecycle::When::kAlways;
    test.allow_failure.exit_codes = {7};
    test.variables = {{.name = "GRANGE_ON_DISCONNECT", .value = "stop"}};
    made.row.stages = {"build", "test"};
    made.jobs[0].plan_json = pipeline::JobToJson(build);
    made.jobs[1].plan_json = pipeline::JobToJson(test);
    made.jobs[1].stage_index = 1;
    std::optional<std::string> earlier;
    EXPECT_TRUE(store().CreatePipeline(made.row, made.jobs, "", &earlier).ok());
    return made;
  }
  void AddAgent(const std::string& name) {
    store::TokenRow token;
    token.hash = std::string(32, name[0]);
    token.uses_left = 1;
    ASSERT_TRUE(store().CreateToken(token, "").ok());
    store::AgentRow agent;
    agent.name = name;
    agent.tags = {"linux"};
    agent.slots = 3;
    agent.credential_hash = std::string(32, 'c') + name;
    ASSERT_TRUE(store().RegisterAgent(token.hash, "", clock().Now(), agent).ok());
    agents_.push_back(agent.id);
  }

  std::vector<AgentId> agents_;
};

TEST_F(RecoveryTest, AnEmptyStoreHasNoEvents) { EXPECT_THAT(*RecoverEvents(store()), SizeIs(0)); }

TEST_F(RecoveryTest, AgentsComeBeforePipelines) {
  const Made made = MakePipeline();
  AddAgent("one");
  const absl::StatusOr<std::vector<schedule::Event>> events = RecoverEvents(store());
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(2));
  const auto& agent = std::get<schedule::AgentAdded>((*events)[0]);
  EXPECT_EQ(agent.id, agents_[0]);
  EXPECT_EQ(agent.slots, 3);
  EXPECT_THAT(agent.tags, ElementsAre("linux"));
  EXPECT_FALSE(agent.draining);
  EXPECT_EQ(std::get<schedule::PipelineAdded>((*events)[1]).id, made.row.id);
}

TEST_F(RecoveryTest, ADrainingOrRevokedAgentGetsNothingNew) {
  for (const char* name : {"one", "two"}) AddAgent(name);
  const absl::Time until = clock().Now() + absl::Minutes(30);
  ASSERT_TRUE(store().SetAgentDraining(agents_[0], true, until).ok());
  ASSERT_TRUE(store().SetAgentRevoked(agents_[1]).ok());
  const std::vector<schedule::Event> events = *RecoverEvents(store());
  ASSERT_THAT(events, SizeIs(2));
  for (const schedule::Event& event : events) {
    EXPECT_TRUE(std::get<schedule::AgentAdded>(event).draining);
  }
  EXPECT_EQ(std::get<schedule::AgentAdded>(events[0]).drain_until, until);
  EXPECT_EQ(std::get<schedule::AgentAdded>(events[1]).drain_until, absl::InfiniteFuture());
}

TEST_F(RecoveryTest, FinalPipelinesStayInTheStore) {
  const Made done = MakePipeline();
  const Made open = MakePipeline();
  ASSERT_TRUE(CommitRow(schedule::StorePipeline{.id = done.row.id,
                                                .state = lifecycle::PipelineState::kSuccess,
                                                .started_at = clock().Now(),
                                                .finished_at = clock().Now(),
                                                .failure = ""})
                  .ok());
  const std::vector<schedule::Event> events = *RecoverEvents(store());
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(std::get<schedule::PipelineAdded>(events[0]).id, open.row.id);
}

TEST_F(RecoveryTest, TheGraphIsThatOfTheRows) {
  const Made made = MakePipeline();
  const absl::StatusOr<schedule::PipelineAdded> added = RecoverPipeline(store(), made.row.id);
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->project_name, "portal");
  EXPECT_THAT(added->stages, ElementsAre("build", "test"));
  ASSERT_THAT(added->jobs, SizeIs(2));
  const schedule::JobNode& build = added->jobs[0];
  const schedule::JobNode& test = added->jobs[1];
  EXPECT_THAT(build.tags, ElementsAre("linux"));
  EXPECT_FALSE(build.has_needs);
  EXPECT_TRUE(test.has_needs);
  ASSERT_THAT(test.needs, SizeIs(1));
  EXPECT_EQ(test.needs[0].job, build.id);
  EXPECT_TRUE(test.needs[0].optional);
  EXPECT_EQ(test.when, lifecycle::When::kAlways);
  EXPECT_THAT(test.allow_failure.exit_codes, ElementsAre(7));
  EXPECT_TRUE(test.stop_on_disconnect);
  EXPECT_FALSE(build.stop_on_disconnect);
}

// What the scheduler writes next carries the whole row: what it was not told would be lost.
TEST_F(RecoveryTest, HowFarAJobHasComeIsKept) {
  const Made made = MakePipeline();
  schedule::StoreJob job = made.jobs[0].progress;
  job.state = lifecycle::JobState::kRunning;
  job.attempt = 3;
  job.automatic_retries = 2;
  job.phase = schedule::Phase::kRunning;
  job.fence = Fence{77};
  job.agent = AgentId(5);
  job.cancel_wanted = true;
  job.cancel_by_force = true;
  job.played = true;
  job.queued_at = clock().Now();
  job.started_at = clock().Now() + absl::Seconds(1);
  ASSERT_TRUE(CommitRow(job).ok());
  schedule::StoreJob other = made.jobs[1].progress;
  other.state = lifecycle::JobState::kFailed;
  other.reason = lifecycle::FailureReason::kScriptFailure;
  other.exit_code = 4;
  other.finished_at = clock().Now() + absl::Seconds(2);
  ASSERT_TRUE(CommitRow(other).ok());

  const schedule::PipelineAdded added = *RecoverPipeline(store(), made.row.id);

  const schedule::JobNode& node = added.jobs[0];
  EXPECT_EQ(node.state, job.state);
  EXPECT_EQ(node.attempt, 3);
  EXPECT_EQ(node.automatic_retries, 2);
  EXPECT_EQ(node.phase, job.phase);
  EXPECT_EQ(node.fence, job.fence);
  EXPECT_EQ(node.agent, job.agent);
  EXPECT_TRUE(node.cancel_wanted);
  EXPECT_TRUE(node.cancel_by_force);
  EXPECT_TRUE(node.played);
  EXPECT_EQ(node.queued_at, job.queued_at);
  EXPECT_EQ(node.started_at, job.started_at);
  EXPECT_EQ(added.jobs[1].reason, other.reason);
  EXPECT_EQ(added.jobs[1].exit_code, 4);
  EXPECT_EQ(added.jobs[1].finished_at, other.finished_at);
}

TEST_F(RecoveryTest, HowFarAPipelineHasComeIsKept) {
  const Made made = MakePipeline();
  const absl::Time started_at = clock().Now() + absl::Seconds(1);
  ASSERT_TRUE(CommitRow(schedule::StorePipeline{.id = made.row.id,
                                                .state = lifecycle::PipelineState::kRunning,
                                                .started_at = started_at,
                                                .finished_at = absl::InfinitePast(),
                                                .failure = ""})
                  .ok());
  const schedule::PipelineAdded added = *RecoverPipeline(store(), made.row.id);
  EXPECT_EQ(added.state, lifecycle::PipelineState::kRunning);
  EXPECT_EQ(added.started_at, started_at);
}

TEST_F(RecoveryTest, APipelineThatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(RecoverPipeline(store(), PipelineId(4711)).status()));
}

}  // namespace
}  // namespace grange::server
