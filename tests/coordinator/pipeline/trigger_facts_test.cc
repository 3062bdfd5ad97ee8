#include <algorithm>
#include <map>
#include <string>

#include "coordinator/pipeline/compile.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

std::map<std::string, std::string> Predefined(const TriggerFacts& facts) {
  const auto variables = PredefinedVariables(facts);
  EXPECT_TRUE(std::is_sorted(variables.begin(), variables.end()));
  return {variables.begin(), variables.end()};
}

TEST(PredefinedVariablesTest, DescribesABranch) {
  TriggerFacts facts;
  facts.branch = "Feature/X";
  facts.sha = "0123456789abcdef0123456789abcdef01234567";
  facts.project = "portal";
  facts.project_path = "group/sub/portal";
  facts.commit_message = "Title\n\nBody line\n";
  facts.commit_title = "Title";
  auto variables = Predefined(facts);
  EXPECT_EQ(variables["CI"], "true");
  EXPECT_EQ(variables["GITLAB_CI"], "true");
  EXPECT_EQ(variables["CI_SERVER_NAME"], "Grange");
  EXPECT_EQ(variables["CI_COMMIT_BRANCH"], "Feature/X");
  EXPECT_EQ(variables["CI_COMMIT_REF_NAME"], "Feature/X");
  EXPECT_EQ(variables["CI_COMMIT_REF_SLUG"], "feature-x");
  EXPECT_EQ(variables["CI_COMMIT_SHORT_SHA"], "01234567");
  EXPECT_EQ(variables["CI_COMMIT_BEFORE_SHA"], std::string(40, '0'));
  EXPECT_EQ(variables["CI_COMMIT_DESCRIPTION"], "Body line\n");
  EXPECT_EQ(variables["CI_PROJECT_NAMESPACE"], "group/sub");
  EXPECT_EQ(variables["CI_PROJECT_ROOT_NAMESPACE"], "group");
  EXPECT_EQ(variables["CI_PROJECT_PATH_SLUG"], "group-sub-portal");
  EXPECT_EQ(variables["CI_DEFAULT_BRANCH"], "main");
  EXPECT_EQ(variables["CI_PIPELINE_SOURCE"], "push");
  EXPECT_EQ(variables["CI_CONFIG_PATH"], ".gitlab-ci.yml");
  EXPECT_EQ(variables.count("CI_COMMIT_TAG"), 0u);
}

TEST(PredefinedVariablesTest, DescribesATagWithoutABranch) {
  TriggerFacts facts;
  facts.tag = "v1.0";
  auto variables = Predefined(facts);
  EXPECT_EQ(variables["CI_COMMIT_TAG"], "v1.0");
  EXPECT_EQ(variables["CI_COMMIT_REF_NAME"], "v1.0");
  EXPECT_EQ(variables["CI_COMMIT_REF_SLUG"], "v1-0");
  EXPECT_EQ(variables.count("CI_COMMIT_BRANCH"), 0u);
  EXPECT_EQ(variables.count("CI_COMMIT_SHA"), 0u);
}

TEST(PredefinedVariablesTest, LetsGivenOnesWin) {
  TriggerFacts facts;
  facts.branch = "main";
  facts.predefined = {{"CI_PIPELINE_SOURCE", "chat"}, {"CI_PIPELINE_IID", "7"}};
  auto variables = Predefined(facts);
  EXPECT_EQ(variables["CI_PIPELINE_SOURCE"], "chat");
  EXPECT_EQ(variables["CI_PIPELINE_IID"], "7");
}

TEST(PipelineSourceTest, TakesBothKindsOfWords) {
  for (const char* name :
       {"push", "schedule", "web", "api", "merge_request_event", "trigger", "parent_pipeline"}) {
    const auto source = ParsePipelineSource(name);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ(PipelineSourceName(*source), name);
  }
  EXPECT_EQ(*ParsePipelineSource("merge_request"), PipelineSource::kMergeRequest);
  EXPECT_THAT(std::string(ParsePipelineSource("shedule").status().message()),
              ::testing::HasSubstr("did you mean 'schedule'?"));
}

}  // namespace
}  // namespace grange::pipeline
