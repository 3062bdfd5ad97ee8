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
  artifacts.untracked = true;
  artifacts.expire_in = absl::InfiniteDuration();
  artifacts.expose_as = "the page";
  artifacts.access = "developer";
  artifacts.reports = {{"junit", {"a.xml", "b.xml"}}, {"dotenv", {"build.env"}}};
  artifacts.coverage_report = {"cobertura", "coverage.xml"};
  job.coverage = "/\\d+%/";
  job.interruptible = true;
  job.environment = "production";
  job.resource_group = "one";
  return job;
}

// What a job has only where the file says something of it.
JobPlan JobWithKeywords() {
  JobPlan job;
  job.name = "a";
  job.artifacts.emplace().expire_in = absl::Hours(24);
  job.needs_external = {{"$PARENT", "", "build", "", true, true},
                        {"", "group/lib", "build", "main", false, false}};
  job.environment = "review";
  job.environment_details = {"https://x", "stop",          "development",
                             "stop",      absl::Hours(24), {R"({"agent":"a:b"})"}};
  job.image = {
      "ruby:3", {{""}}, {"always", "if-not-present"}, {R"({"user":"dave"})"}, {R"({"user":1001})"}};
  job.services.emplace_back();
  job.services.push_back(
      {*job.image, "db, cache", {{"--port", ""}}, {{"PASSWORD", "$SECRET", true}}});
  job.caches.resize(2);
  job.caches[1] = {"default", {"a.lock"},           {},      "prefix", {"vendor/"}, true, true,
                   "$POLICY", Cache::When::kAlways, {"main"}};
  job.pre_get_sources_script = {"echo hello"};
  job.secrets = {{"B", "vault", {R"("a/b@c")"}, false, "$TOKEN"},
                 {"A", "gcp_secret_manager", {R"({"name":"x","version":2})"}, true, ""}};
  job.id_tokens = {{"T", {"https://one", "https://two"}}, {"S", {"x"}}};
  job.identity = "google_cloud";
  job.release = {R"({"tag_name":"v1","description":"x","milestones":["m1"]})"};
  job.run = {{"one", "make", {{"A", "1", true}}}, {"two", "make test", {}}};
  job.manual_confirmation = "Sure?";
  job.inputs = {{"z", "number", {"1.5"}, {"[1,1.5]"}, "", "how many"},
                {"a", "string", {"\"x\""}, {}, "^x$", ""}};
  Downstream& trigger = job.trigger.emplace();
  trigger.project = "group/project";
  trigger.branch = "main";
  trigger.include = {{R"({"local":"/child.yml"})"}};
  trigger.strategy = "mirror";
  trigger.forward_yaml_variables = false;
  trigger.forward_pipeline_variables = true;
  trigger.inputs = {R"({"debug":false,"name":"x"})"};
  return job;
}

TEST(JobJsonTest, GivesBackWhatItWasGiven) {
  JobPlan empty_job;
  for (const JobPlan& job : {FullJob(), JobWithKeywords(), empty_job}) {
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
  for (const char* json :
       {"", "[]", "{", "null", R"({"name": 5})", R"({"script": "x"})", R"({"tags": [1]})",
        R"({"image": "x"})", R"({"cache": [{"key": 1}]})", R"({"secrets": []})",
        R"({"run": [{"env": {"A": 1}}]})", R"({"needs": {"a": 1}})", R"({"when": "later"})"}) {
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

TEST(PlanJsonTest, LeavesOutWhatTheFileSaysNothingOf) {
  PipelineGraph graph;
  graph.jobs.emplace_back();
  const auto plan = nlohmann::json::parse(PlanToJson(graph));
  for (const char* field :
       {"needs_external", "environment_details", "image", "services", "cache", "hooks", "secrets",
        "id_tokens", "identity", "release", "run", "manual_confirmation", "inputs", "trigger"}) {
    EXPECT_FALSE(plan["jobs"][0].contains(field)) << field;
  }
  EXPECT_EQ(plan["workflow"]["auto_cancel"],
            nlohmann::json({{"on_new_commit", "conservative"}, {"on_job_failure", "none"}}));
}

TEST(PlanJsonTest, HasTheKeywordsInTheShapeOfTheirPage) {
  PipelineGraph graph;
  graph.jobs = {FullJob(), JobWithKeywords()};
  const auto plan = nlohmann::ordered_json::parse(PlanToJson(graph));
  const auto& artifacts = plan["jobs"][0]["artifacts"];
  EXPECT_EQ(artifacts["expire_in"], "never");
  EXPECT_EQ(artifacts["reports"].dump(),
            R"({"junit":["a.xml","b.xml"],"dotenv":["build.env"],)"
            R"("coverage_report":{"coverage_format":"cobertura","path":"coverage.xml"}})");
  const auto& job = plan["jobs"][1];
  EXPECT_EQ(job["artifacts"]["expire_in"], 86400.0);
  EXPECT_TRUE(job["artifacts"]["name"].is_null());
  EXPECT_EQ(job["needs_external"][0].dump(),
            R"({"pipeline":"$PARENT","project":null,"job":"build","ref":null,)"
            R"("artifacts":true,"optional":true})");
  EXPECT_EQ(job["image"].dump(),
            R"({"name":"ruby:3","entrypoint":[""],"pull_policy":["always","if-not-present"],)"
            R"("docker":{"user":"dave"},"kubernetes":{"user":1001}})");
  EXPECT_EQ(job["cache"][0]["key"], "default");
  EXPECT_TRUE(job["cache"][1]["key"].is_null());
  EXPECT_EQ(job["secrets"]["B"].dump(),
            R"({"provider":"vault","settings":"a/b@c","file":false,"token":"$TOKEN"})");
  EXPECT_EQ(job["inputs"]["z"]["default"], 1.5);
  EXPECT_EQ(job["trigger"].dump(),
            R"({"project":"group/project","branch":"main","include":[{"local":"/child.yml"}],)"
            R"("strategy":"mirror","forward":{"yaml_variables":false,"pipeline_variables":true},)"
            R"("inputs":{"debug":false,"name":"x"}})");
}

TEST(PlanJsonTest, IsAnEmptyListWithoutJobs) {
  const auto plan = nlohmann::json::parse(PlanToJson(PipelineGraph()));
  EXPECT_EQ(plan["jobs"], nlohmann::json::array());
  EXPECT_EQ(plan["variables"], nlohmann::json::object());
}

}  // namespace
}  // namespace grange::pipeline
