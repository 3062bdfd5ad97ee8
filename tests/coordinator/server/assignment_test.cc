#include "coordinator/server/assignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace grange::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr JobId kJob(30);

// A pipeline of two stages: build-a, build-b; then the job of the test.
class AssignmentTest : public ::testing::Test {
 protected:
  AssignmentTest() {
    facts_.project.id = ProjectId(2);
    facts_.project.name = "portal";
    facts_.row.id = PipelineId(5);
    facts_.row.project = ProjectId(2);
    facts_.row.commit.sha = std::string(40, 'a');
    facts_.row.ref_name = "main";
    facts_.row.source = "push";
    facts_.row.created_at = now_;
    Add(JobId(10), "build-a", 0);
    Add(JobId(20), "build-b", 0);
    Add(kJob, "test", 1);
    Add(JobId(40), "test-too", 1);
  }
  void Add(JobId id, const std::string& name, int stage) {
    pipeline::JobPlan& plan = facts_.plans[id];
    plan.name = name;
    plan.stage_index = stage;
    plan.stage = stage == 0 ? "build" : "verify";
    plan.script = {"make"};
    artifacts_.push_back({.id = "of-" + name,
                          .job = id,
                          .attempt = 1,
                          .name = name,
                          .size = 1,
                          .sha256 = std::string(32, 'h'),
                          .created_at = now_});
  }
  pipeline::JobPlan& plan() { return facts_.plans[kJob]; }

  AssignmentInputs Inputs() const {
    return {.facts = facts_,
            .job = kJob,
            .attempt = 1,
            .server_url = "https://build.example.org:7420",
            .now = now_,
            .project_variables = project_variables_,
            .artifacts = artifacts_};
  }
  absl::StatusOr<session::JobSpec> Build() const { return BuildSpec(Inputs()); }
  // What the job would see: of equal names the last one counts, secrets come after the spec.
  std::string Seen(const std::string& name) const {
    const absl::StatusOr<session::JobSpec> spec = Build();
    EXPECT_TRUE(spec.ok()) << spec.status();
    std::string value = "(unset)";
    for (const session::SpecVariable& variable : spec->variables) {
      if (variable.name == name) value = variable.value;
    }
    for (const session::SecretVariable& variable : BuildSecrets(Inputs()).variables) {
      if (variable.name == name) value = std::string(variable.value.Open());
    }
    return value;
  }
  std::vector<std::string> ArtifactsIn() const {
    std::vector<std::string> names;
    const absl::StatusOr<session::JobSpec> spec = Build();
    EXPECT_TRUE(spec.ok()) << spec.status();
    for (const session::ArtifactSource& source : spec->artifacts_in) {
      names.push_back(source.artifact_id);
    }
    return names;
  }
  void SetProjectVariable(const std::string& name, const std::string& value, bool masked) {
    project_variables_.push_back(
        {.name = name, .value = Secret(value), .masked = masked, .file = false});
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'750'000'000);
  PipelineFacts facts_;
  std::vector<store::ProjectVariable> project_variables_;
  std::vector<store::ArtifactRow> artifacts_;
};

TEST_F(AssignmentTest, VariablesOfThePipelineWinOverTheProjectsOverTheFilesOverPredefinedOnes) {
  struct {
    const char* name;
    bool file, project, masked_project, pipeline;
    const char* seen;
  } const cases[] = {
      {"predefined", false, false, false, false, "test"},
      {"file", true, false, false, false, "file"},
      {"project over file", true, true, false, false, "project"},
      {"masked project over file", true, false, true, false, "masked"},
      {"pipeline over project", true, true, false, true, "pipeline"},
      {"pipeline over masked project", true, false, true, true, "pipeline"},
      {"pipeline over predefined", false, false, false, true, "pipeline"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    plan().variables.clear();
    project_variables_.clear();
    facts_.row.variables.clear();
    if (c.file) plan().variables.push_back({.name = "CI_JOB_NAME", .value = "file"});
    if (c.project) SetProjectVariable("CI_JOB_NAME", "project", false);
    if (c.masked_project) SetProjectVariable("CI_JOB_NAME", "masked", true);
    if (c.pipeline) facts_.row.variables.emplace_back("CI_JOB_NAME", "pipeline");
    EXPECT_EQ(Seen("CI_JOB_NAME"), c.seen);
  }
}

TEST_F(AssignmentTest, MaskedVariablesAreNotInTheSpec) {
  SetProjectVariable("TOKEN", "hunter2", true);
  const session::JobSpec spec = *Build();
  for (const session::SpecVariable& variable : spec.variables) {
    EXPECT_NE(variable.name, "TOKEN");
    EXPECT_NE(variable.value, "hunter2");
  }
  EXPECT_EQ(Seen("TOKEN"), "hunter2");
}

TEST_F(AssignmentTest, T6FileVariablesAreNotInTheSpec) {
  project_variables_.push_back(
      {.name = "KEY", .value = Secret("key"), .masked = false, .file = true});
  const session::JobSpec spec = *Build();
  for (const session::SpecVariable& variable : spec.variables) EXPECT_NE(variable.name, "KEY");
  EXPECT_EQ(Seen("KEY"), "key");
}

TEST_F(AssignmentTest, AJobKnowsItself) {
  plan().name = "Unit Tests: [3.11]";
  plan().variables.push_back({.name = "CI_ENVIRONMENT_NAME", .value = "staging"});
  const std::pair<const char*, const char*> expected[] = {
      {"CI_JOB_ID", "30"},
      {"CI_JOB_NAME", "Unit Tests: [3.11]"},
      {"CI_JOB_NAME_SLUG", "unit-tests---3-11"},
      {"CI_JOB_STAGE", "verify"},
      {"CI_PIPELINE_ID", "5"},
      {"CI_PROJECT_NAME", "portal"},
      {"CI_COMMIT_BRANCH", "main"},
      {"CI_ENVIRONMENT_NAME", "staging"},
      {"CI_SERVER_URL", "https://build.example.org:7420"},
      {"CI_JOB_MANUAL", "false"},
      {"CI_JOB_STARTED_AT", "2025-06-15T15:06:40Z"},
      {"CI_COMMIT_TAG", "(unset)"},
  };
  for (const auto& [name, value] : expected) EXPECT_EQ(Seen(name), value) << name;
}

TEST_F(AssignmentTest, ValuesWithoutExpandAndPredefinedOnesKeepTheirDollars) {
  plan().variables = {{.name = "PLAIN", .value = "$X", .expand = true},
                      {.name = "RAW", .value = "$X", .expand = false}};
  std::map<std::string, bool> raw;
  const session::JobSpec spec = *Build();
  for (const session::SpecVariable& variable : spec.variables) {
    raw[variable.name] = variable.raw;
  }
  EXPECT_FALSE(raw["PLAIN"]);
  EXPECT_TRUE(raw["RAW"]);
  EXPECT_TRUE(raw["CI_JOB_NAME"]);
}

TEST_F(AssignmentTest, WithoutNeedsItGetsTheArtifactsOfEarlierStages) {
  EXPECT_THAT(ArtifactsIn(), ElementsAre("of-build-a", "of-build-b"));
}

TEST_F(AssignmentTest, DependenciesNarrowThem) {
  plan().dependencies = {"build-b"};
  EXPECT_THAT(ArtifactsIn(), ElementsAre("of-build-b"));
  plan().dependencies = std::vector<std::string>();
  EXPECT_THAT(ArtifactsIn(), IsEmpty());
}

TEST_F(AssignmentTest, WithNeedsItGetsTheArtifactsOfThose) {
  plan().needs = {{.job = "build-a"}, {.job = "build-b", .artifacts = false}};
  EXPECT_THAT(ArtifactsIn(), ElementsAre("of-build-a"));
  plan().needs = {{.job = "test-too"}};  // of the same stage
  EXPECT_THAT(ArtifactsIn(), ElementsAre("of-test-too"));
  plan().needs = std::vector<pipeline::Need>();
  EXPECT_THAT(ArtifactsIn(), IsEmpty());
}

TEST_F(AssignmentTest, AJobBeforeItThatLeftNoArtifactsIsPassedOver) {
  artifacts_.erase(artifacts_.begin());
  EXPECT_THAT(ArtifactsIn(), ElementsAre("of-build-b"));
}

TEST_F(AssignmentTest, ArtifactsLieInStageOrderThenFileOrder) {
  Add(JobId(50), "deploy", 2);
  plan().needs = {{.job = "deploy"}, {.job = "build-b"}, {.job = "build-a"}};
  EXPECT_THAT(ArtifactsIn(), ElementsAre("of-build-a", "of-build-b", "of-deploy"));
}

TEST_F(AssignmentTest, GitStrategyAndDepthAreVariables) {
  using Strategy = session::JobSpec::Strategy;
  struct {
    const char* strategy;
    Strategy expected;
  } const cases[] = {{"", Strategy::kFetch},
                     {"fetch", Strategy::kFetch},
                     {"clone", Strategy::kClone},
                     {"none", Strategy::kNone},
                     {"empty", Strategy::kNone}};
  for (const auto& c : cases) {
    plan().variables = {{.name = "GIT_STRATEGY", .value = c.strategy}};
    EXPECT_EQ(Build()->strategy, c.expected) << c.strategy;
  }
  EXPECT_EQ(Build()->depth, 20);
  plan().variables = {{.name = "GIT_DEPTH", .value = "0"}};
  EXPECT_EQ(Build()->depth, 0);
}

TEST_F(AssignmentTest, OfTwoGitDepthsTheStrongerOneCounts) {
  plan().variables = {{.name = "GIT_DEPTH", .value = "7"}};
  facts_.row.variables = {{"GIT_DEPTH", "3"}};
  EXPECT_EQ(Build()->depth, 3);
}

TEST_F(AssignmentTest, GitVariablesThatMeanNothingAreErrors) {
  const std::pair<const char*, const char*> cases[] = {
      {"GIT_STRATEGY", "copy"}, {"GIT_STRATEGY", "Clone"}, {"GIT_DEPTH", "-1"},
      {"GIT_DEPTH", "all"},     {"GIT_DEPTH", "1.5"},      {"GIT_DEPTH", "99999999999"},
  };
  for (const auto& [name, value] : cases) {
    plan().variables = {{.name = name, .value = value}};
    const absl::Status status = Build().status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name << "=" << value;
    EXPECT_THAT(std::string(status.message()), HasSubstr(value));
  }
}

TEST_F(AssignmentTest, TheTimeoutIsTheJobsElseTheProjectsElseAnHour) {
  EXPECT_EQ(Build()->timeout, absl::Hours(1));
  facts_.project.settings["timeout"] = "2h 30m";
  EXPECT_EQ(Build()->timeout, absl::Minutes(150));
  plan().timeout = absl::Minutes(5);
  EXPECT_EQ(Build()->timeout, absl::Minutes(5));
  EXPECT_EQ(Seen("CI_JOB_TIMEOUT"), "300");
}

TEST_F(AssignmentTest, J5_TheLimitOfALogAndWhatItDoesAreTheProjects) {
  EXPECT_EQ(Build()->trace_limit_bytes, 100u << 20);
  EXPECT_FALSE(Build()->fail_at_trace_limit);
  facts_.project.settings["trace-limit"] = "20MiB";
  facts_.project.settings["trace-limit-policy"] = "fail";
  EXPECT_EQ(Build()->trace_limit_bytes, 20u << 20);
  EXPECT_TRUE(Build()->fail_at_trace_limit);
  facts_.project.settings["trace-limit"] = "5000";  // bytes, as it was set before there were units
  EXPECT_EQ(Build()->trace_limit_bytes, 5000u);
}

TEST_F(AssignmentTest, WhatAnAbsentAgentDoesIsTheJobsElseTheProjects) {
  EXPECT_FALSE(Build()->stop_on_disconnect);
  facts_.project.settings["on-disconnect"] = "stop";
  EXPECT_TRUE(Build()->stop_on_disconnect);
  plan().variables = {{.name = "GRANGE_ON_DISCONNECT", .value = "keep"}};
  EXPECT_FALSE(Build()->stop_on_disconnect);
}

TEST_F(AssignmentTest, LimitsAreVariablesAndTheLastOneWins) {
  EXPECT_EQ(Build()->memory_limit_bytes, 0u);
  EXPECT_EQ(Build()->pids_limit, 0u);
  plan().variables = {{.name = "GRANGE_MEMORY_LIMIT", .value = "1GiB"},
                      {.name = "GRANGE_MEMORY_LIMIT", .value = "512 MiB"},
                      {.name = "GRANGE_PIDS_LIMIT", .value = "200"}};
  EXPECT_EQ(Build()->memory_limit_bytes, uint64_t{512} << 20);
  EXPECT_EQ(Build()->pids_limit, 200u);
  plan().variables = {{.name = "GRANGE_PIDS_LIMIT", .value = "many"}};
  EXPECT_TRUE(absl::IsInvalidArgument(Build().status()));
}

TEST_F(AssignmentTest, AJobThatThePipelineDoesNotHaveIsNotFound) {
  AssignmentInputs inputs = Inputs();
  inputs.job = JobId(4711);
  EXPECT_TRUE(absl::IsNotFound(BuildSpec(inputs).status()));
}

TEST(ToTriggerFactsTest, ATagIsNoBranch) {
  store::PipelineRow row;
  row.ref_name = "v1";
  row.is_tag = true;
  row.source = "push";
  const pipeline::TriggerFacts facts = ToTriggerFacts(row, {}, "");
  EXPECT_EQ(facts.tag, "v1");
  EXPECT_EQ(facts.branch, "");
  EXPECT_EQ(facts.default_branch, "main");
}

}  // namespace
}  // namespace grange::server
