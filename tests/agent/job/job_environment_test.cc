#include "agent/job/job_environment.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::job {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

JobPlace Place() {
  JobPlace place;
  place.assignment = {JobId(812), 1, Fence{9}};
  place.agent = AgentId(3);
  place.agent_name = "one";
  place.agent_tags = {"gpu", "a\"b"};
  place.slot = 1;
  place.project_dir = "/state/workspaces/1/p";
  place.builds_dir = "/state/workspaces/1";
  place.files_dir = "/state/jobs/812-1/files";
  place.agent_environment = {"PATH=/usr/bin", "HOME=/root", "SECRET_OF_AGENT=x", "LANG=C.UTF-8"};
  return place;
}

JobEnvironment Build(const JobSpec& spec, const JobSecrets& secrets = {}) {
  absl::StatusOr<JobEnvironment> environment = BuildJobEnvironment(spec, secrets, Place());
  EXPECT_TRUE(environment.ok()) << environment.status();
  return environment.value_or(JobEnvironment{});
}

std::string ValueOf(const JobEnvironment& environment, const std::string& name) {
  for (const std::string& entry : environment.variables) {
    if (absl::StartsWith(entry, name + "=")) return entry.substr(name.size() + 1);
  }
  return "(none)";
}

TEST(JobEnvironmentTest, HandsOnOnlyTheNamedVariablesOfTheAgent) {
  const JobEnvironment environment = Build({});
  EXPECT_EQ(ValueOf(environment, "PATH"), "/usr/bin");
  EXPECT_EQ(ValueOf(environment, "HOME"), "/root");
  EXPECT_EQ(ValueOf(environment, "SECRET_OF_AGENT"), "(none)");
}

TEST(JobEnvironmentTest, SaysWhereAndOnWhatTheJobRuns) {
  const JobEnvironment environment = Build({});
  EXPECT_EQ(ValueOf(environment, "CI_PROJECT_DIR"), "/state/workspaces/1/p");
  EXPECT_EQ(ValueOf(environment, "CI_BUILDS_DIR"), "/state/workspaces/1");
  EXPECT_EQ(ValueOf(environment, "CI_RUNNER_ID"), "3");
  EXPECT_EQ(ValueOf(environment, "CI_RUNNER_DESCRIPTION"), "one");
  EXPECT_EQ(ValueOf(environment, "CI_RUNNER_TAGS"), "[\"gpu\",\"a\\\"b\"]");
  EXPECT_EQ(ValueOf(environment, "CI_JOB_ID"), "812");
}

TEST(JobEnvironmentTest, LetsLaterVariablesWin) {
  JobSpec spec;
  spec.variables = {{"A", "1"}, {"A", "2"}, {"B", "spec"}};
  JobSecrets secrets;
  secrets.variables.push_back({"B", Secret("secret")});
  const JobEnvironment environment = Build(spec, secrets);
  EXPECT_EQ(ValueOf(environment, "A"), "2");
  EXPECT_EQ(ValueOf(environment, "B"), "secret");
}

TEST(JobEnvironmentTest, ExpandsValuesThatNameOthersUnlessTheyAreRaw) {
  JobSpec spec;
  spec.variables = {{"A", "$B-$CI_JOB_ID"},
                    {"B", "b"},
                    {"RAW", "$B", /*file=*/false, /*raw=*/true},
                    {"PATH", "/opt/bin:$PATH"},
                    {"UNKNOWN", "$NOPE"}};
  const JobEnvironment environment = Build(spec);
  EXPECT_EQ(ValueOf(environment, "A"), "b-812");
  EXPECT_EQ(ValueOf(environment, "RAW"), "$B");
  EXPECT_EQ(ValueOf(environment, "PATH"), "/opt/bin:/usr/bin");
  EXPECT_EQ(ValueOf(environment, "UNKNOWN"), "$NOPE");
}

TEST(JobEnvironmentTest, PutsTheValueOfAFileVariableIntoAFileAndItsPathIntoTheVariable) {
  JobSecrets secrets;
  secrets.variables.push_back({"KEY", Secret("line 1\nline 2\n"), /*file=*/true});
  JobSpec spec;
  spec.variables = {{"USES", "-i $KEY"}};
  const JobEnvironment environment = Build(spec, secrets);
  ASSERT_EQ(environment.files.size(), 1u);
  EXPECT_EQ(environment.files[0].path, "/state/jobs/812-1/files/KEY");
  EXPECT_EQ(environment.files[0].content.Open(), "line 1\nline 2\n");
  EXPECT_EQ(ValueOf(environment, "KEY"), "/state/jobs/812-1/files/KEY");
  EXPECT_EQ(ValueOf(environment, "USES"), "-i /state/jobs/812-1/files/KEY");
}

TEST(JobEnvironmentTest, MasksMaskedValuesAsGivenAndAsExpanded) {
  JobSecrets secrets;
  secrets.variables.push_back(
      {"PASSWORD", Secret("pre-$SUFFIX"), /*file=*/false, /*raw=*/false, /*masked=*/true});
  secrets.variables.push_back(
      {"TOKEN_FILE", Secret("deep-secret"), /*file=*/true, /*raw=*/true, /*masked=*/true});
  secrets.variables.push_back(
      {"EMPTY", Secret(""), /*file=*/false, /*raw=*/false, /*masked=*/true});
  secrets.masks.emplace_back("further");
  JobSpec spec;
  spec.variables = {{"SUFFIX", "fix"}, {"PLAIN", "shown"}};
  const JobEnvironment environment = Build(spec, secrets);
  EXPECT_THAT(environment.masks, Contains("pre-$SUFFIX"));
  EXPECT_THAT(environment.masks, Contains("pre-fix"));
  EXPECT_THAT(environment.masks, Contains("deep-secret"));
  EXPECT_THAT(environment.masks, Contains("further"));
  EXPECT_THAT(environment.masks, Not(Contains("")));
  EXPECT_THAT(environment.masks, Not(Contains("shown")));
}

struct BadCase {
  const char* name;
  Variable variable;
  const char* message;
};

TEST(JobEnvironmentTest, RefusesWhatNoProcessCanBeGiven) {
  const BadCase cases[] = {
      {"name with blank", {"A B", "x"}, "'A B'"},
      {"empty name", {"", "x"}, "''"},
      {"name with digit first", {"1A", "x"}, "'1A'"},
      {"name with equals", {"A=B", "x"}, "'A=B'"},
      {"NUL", {"A", std::string("x\0y", 3)}, "NUL"},
      {"too large", {"BIG", std::string(140 << 10, 'x')}, "file variable"},
  };
  for (const BadCase& c : cases) {
    JobSpec spec;
    spec.variables = {c.variable};
    const absl::StatusOr<JobEnvironment> environment = BuildJobEnvironment(spec, {}, Place());
    ASSERT_FALSE(environment.ok()) << c.name;
    EXPECT_TRUE(absl::StrContains(environment.status().message(), c.message))
        << c.name << ": " << environment.status();
  }
}

TEST(JobEnvironmentTest, NamesEachVariableOnce) {
  JobSpec spec;
  spec.variables = {{"CI_PROJECT_DIR", "elsewhere"}, {"CI_PROJECT_DIR", "again"}};
  const JobEnvironment environment = Build(spec);
  EXPECT_EQ(std::count_if(environment.variables.begin(), environment.variables.end(),
                          [](const std::string& entry) {
                            return absl::StartsWith(entry, "CI_PROJECT_DIR=");
                          }),
            1);
}

}  // namespace
}  // namespace grange::job
