#include "coordinator/server/job_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace grange::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the parts of a job's assignment say of its limits.
struct Parts {
  std::vector<pipeline::Variable> of_job{};
  std::vector<store::ProjectVariable> of_project{};
  std::vector<std::pair<std::string, std::string>> of_submit{};
};

std::vector<std::string> Needed(const Parts& parts, store::Project project = {}) {
  pipeline::JobPlan plan;
  plan.variables = parts.of_job;
  store::PipelineRow pipeline;
  pipeline.variables = parts.of_submit;
  return NeededFeatures(plan, pipeline, project, parts.of_project);
}

store::ProjectVariable OfProject(std::string name, std::string value) {
  return {.name = std::move(name), .value = Secret(std::move(value))};
}

TEST(JobFeaturesTest, AJobThatAsksForNothingNeedsNone) {
  EXPECT_THAT(Needed({}), IsEmpty());
  EXPECT_THAT(Needed({.of_job = {{.name = "OTHER", .value = "1"}}}), IsEmpty());
}

TEST(JobFeaturesTest, AJobWithALimitNeedsAnAgentThatKeepsIt) {
  for (const std::string name : {"GRANGE_MEMORY_LIMIT", "GRANGE_PIDS_LIMIT"}) {
    EXPECT_THAT(Needed({.of_job = {{.name = name, .value = "200"}}}), ElementsAre("job_limits"));
    EXPECT_THAT(Needed({.of_project = {OfProject(name, "200")}}), ElementsAre("job_limits"));
    EXPECT_THAT(Needed({.of_submit = {{name, "200"}}}), ElementsAre("job_limits"));
    // The last one counts, and an empty one is none.
    EXPECT_THAT(Needed({.of_job = {{.name = name, .value = "200"}}, .of_submit = {{name, ""}}}),
                IsEmpty());
    EXPECT_THAT(Needed({.of_job = {{.name = name, .value = "1"}, {.name = name, .value = ""}}}),
                IsEmpty());
  }
}

TEST(JobFeaturesTest, AProjectWhoseJobsFailAtTheTraceLimitNeedsAgentsThatDoSo) {
  store::Project project;
  project.settings["trace-limit-policy"] = "drop";
  EXPECT_THAT(Needed({}, project), IsEmpty());
  project.settings["trace-limit-policy"] = "fail";
  EXPECT_THAT(Needed({}, project), ElementsAre("trace_limit_fail"));
  EXPECT_THAT(Needed({.of_submit = {{"GRANGE_PIDS_LIMIT", "9"}}}, project),
              ElementsAre("job_limits", "trace_limit_fail"));
}

}  // namespace
}  // namespace grange::server
