#include "coordinator/pipeline/graph_json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

JobPlan FullJob() {
  JobPlan job;
  job.name = "deploy \"x\" ü";
  job.place = {".gitlab-ci.yml", 3, 1};
  job.stage = "deploy";
  job.stage_index = 2;
  job.when = lifecycle::When::kDelayed;
  job.start_in = absl::Milliseconds(90500);
  job.allow_failure = {false, {1, 255}};
  job.needs = {{"build", false, true}};
  job.dependencies = std::vector<std::string>{};
  job.tags = {"linux"};
  job.script = {"a", "b\nc"};
  job.after_script = {"d"};
  job.variables = {{"A", "1", true}, {"B", "$A", false}};
  job.timeout = absl::Hours(1);
  job.retry = {2, {lifecycle::FailureReason::kAgentLost}, {3}};
  Artifacts& artifacts = job.artifacts.emplace();
  artifacts.paths = {"out"};
  artifacts.exclude = {"out/x"};
  artifacts.when = Artifacts::When::kAlways;
  artifacts.name = "name";
  job.coverage = "/\\d+%/";
  job.interruptible = true;
  job.environment = "production";
  job.resource_group = "one";
  return job;
}

TEST(JobJsonTest, GivesBackWhatItWasGiven) {
  JobPlan empty_job;
  for (const JobPlan& job : {FullJob(), empty_job}) {
    const absl::StatusOr<JobPlan> back = JobFromJson(JobToJson(job));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, job);
  }
}

TEST(JobJsonTest, IgnoresUnknownFieldsAndFillsInMissingOnes) {
  const absl::StatusOr<JobPlan> job = JobFromJson(R"({"name": "a", "from_the_future": {"x": 1}})");
  ASSERT_TRUE(job.ok()) << job.status();
  JobPlan expected;
  expected.name = "a";
  EXPECT_EQ(*job, expected);
}

TEST(JobJsonTest, RefusesWhatIsNoJob) {
  for (const char* json : {"", "[]", "{", "null", R"({"name": 5})", R"({"script": "x"})",
                           R"({"tags": [1]})", R"({"needs": {"a": 1}})", R"({"when": "later"})"}) {
    EXPECT_EQ(JobFromJson(json).status().code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(JobJsonTest, ReplacesBytesThatAreNoText) {
  JobPlan job;
  job.variables = {{"A", "\xff", true}};
  const absl::StatusOr<JobPlan> back = JobFromJson(JobToJson(job));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->variables[0].value, "\xEF\xBF\xBD");
}

TEST(PlanJsonTest, HasTheShapeThatScriptsDependOn) {
  PipelineGraph graph;
  graph.stages = {"test"};
  graph.variables = {{"A", "1", true}};
  JobPlan job;
  job.name = "a";
  job.stage = "test";
  graph.jobs = {job};
  const auto plan = nlohmann::json::parse(PlanToJson(graph));
  EXPECT_EQ(plan["stages"], nlohmann::json({"test"}));
  EXPECT_EQ(plan["variables"], nlohmann::json({{"A", "1"}}));
  EXPECT_TRUE(plan["workflow"]["name"].is_null());
  const auto& first = plan["jobs"][0];
  EXPECT_EQ(first["name"], "a");
  EXPECT_EQ(first["stage"], "test");
  EXPECT_EQ(first["when"], "on_success");
  EXPECT_EQ(first["allow_failure"], false);
  EXPECT_TRUE(first["needs"].is_null());
  EXPECT_TRUE(first["tags"].is_array());
  EXPECT_TRUE(first["environment"].is_null());
}

TEST(PlanJsonTest, IsAnEmptyListWithoutJobs) {
  const auto plan = nlohmann::json::parse(PlanToJson(PipelineGraph()));
  EXPECT_EQ(plan["jobs"], nlohmann::json::array());
  EXPECT_EQ(plan["variables"], nlohmann::json::object());
}

}  // namespace
}  // namespace grange::pipeline
