#include "coordinator/pipeline/compile.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/config/limits.h"
#include "coordinator/pipeline/graph_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// Single keywords are tested by the configurations in tests/golden; here are the limits and what
// holds for every configuration.
namespace grange::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

CompileResult CompileText(const std::string& text) {
  TriggerFacts facts;
  facts.branch = "main";
  facts.project = "p";
  return Compile({".gitlab-ci.yml", text}, config::EmptyTree(), facts);
}

std::string ManyJobs(int count, const std::string& body) {
  std::string text;
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, "job", i, ": {", body, "}\n");
  return text;
}

TEST(CompileTest, GivesEqualGraphsForEqualInput) {
  const std::string text = "variables: {A: 1}\na: {script: a}\nb: {script: b, needs: [a]}\n";
  const CompileResult one = CompileText(text);
  const CompileResult two = CompileText(text);
  ASSERT_TRUE(one.graph.has_value());
  EXPECT_EQ(*one.graph, *two.graph);
  EXPECT_EQ(PlanToJson(*one.graph), PlanToJson(*two.graph));
}

TEST(CompileTest, KeepsThePlaceOfEachJob) {
  const CompileResult result = CompileText("a:\n  script: a\nb: {script: b}\n");
  ASSERT_TRUE(result.graph.has_value());
  EXPECT_EQ(result.graph->jobs[1].place.ToString(), ".gitlab-ci.yml:3:1");
}

TEST(CompileTest, PutsNoMaskedVariableIntoTexts) {
  TriggerFacts facts;
  facts.branch = "main";
  facts.project_variables = {{"SECRET", "s3cret"}, {"PLAIN", "plain"}};
  facts.masked = {"SECRET"};
  const CompileResult result = Compile({".gitlab-ci.yml",
                                        "spec: {inputs: {x: {default: $SECRET $PLAIN}}}\n---\n"
                                        "a: {script: '$[[ inputs.x | expand_vars ]]'}\n"},
                                       config::EmptyTree(), facts);
  ASSERT_TRUE(result.graph.has_value());
  EXPECT_EQ(result.graph->jobs[0].script[0], "$SECRET plain");
  const CompileResult missing = Compile(
      {".gitlab-ci.yml", "include: $SECRET.yml\na: {script: x}\n"}, config::EmptyTree(), facts);
  EXPECT_THAT(missing.diagnostics[0].message, HasSubstr("'$SECRET.yml'"));
}

TEST(CompileTest, TakesTenThousandJobsAndNoMore) {
  const CompileResult fits = CompileText(ManyJobs(10000, "script: x"));
  EXPECT_THAT(fits.diagnostics, IsEmpty());
  ASSERT_TRUE(fits.graph.has_value());
  EXPECT_THAT(fits.graph->jobs, SizeIs(10000));

  const CompileResult too_many = CompileText(ManyJobs(10003, "script: x"));
  ASSERT_THAT(too_many.diagnostics, SizeIs(1));
  EXPECT_EQ(too_many.diagnostics[0].ToString(),
            ".gitlab-ci.yml:10001:1: there are more than 10000 jobs");
}

TEST(CompileTest, FollowsAChainOfNeedsThroughAllJobs) {
  std::string text = "job0: {script: x}\n";
  for (int i = 1; i < 10000; ++i) {
    absl::StrAppend(&text, "job", i, ": {script: x, needs: [job", i - 1, "]}\n");
  }
  const CompileResult result = CompileText(text);
  EXPECT_THAT(result.diagnostics, IsEmpty());
  EXPECT_TRUE(result.graph.has_value());
}

TEST(CompileTest, CountsTheErrorsThatItDoesNotShow) {
  const CompileResult result = CompileText(ManyJobs(5000, "script: x, needs: [jbo1]"));
  EXPECT_FALSE(result.graph.has_value());
  ASSERT_THAT(result.diagnostics, SizeIs(config::kDiagnosticsMax + 1));
  EXPECT_THAT(result.diagnostics.front().message, HasSubstr("did you mean 'job1'?"));
  EXPECT_EQ(result.diagnostics.back().ToString(),
            ".gitlab-ci.yml: there are 4000 more errors; repair the first ones");
}

TEST(CompileTest, RefusesVariablesThatTheJobsRepeatTooOften) {
  std::string text = "variables:\n  BIG: " + std::string(1 << 20, 'x') + "\n";
  const CompileResult result = CompileText(text + ManyJobs(1000, "script: x"));
  EXPECT_FALSE(result.graph.has_value());
  ASSERT_THAT(result.diagnostics, SizeIs(1));
  EXPECT_THAT(result.diagnostics[0].message, HasSubstr("more than 268435456 bytes together"));
}

TEST(CompileTest, RefusesATagThatVariablesMakeLong) {
  std::string text = "variables:\n  BIG: " + std::string(1000, 'x') + "\n";
  const CompileResult result = CompileText(text + "a: {script: x, tags: [$BIG]}\n");
  ASSERT_THAT(result.diagnostics, SizeIs(1));
  EXPECT_THAT(result.diagnostics[0].message, HasSubstr("a tag has at most 255 bytes"));
}

TEST(CompileTest, GivesAReasonForEachJob) {
  const CompileResult result =
      CompileText("a: {script: a}\n.b: {script: b}\nc:\n  script: c\n  rules:\n    - if: $NO\n");
  ASSERT_THAT(result.decisions, SizeIs(2));
  EXPECT_TRUE(result.decisions[0].in);
  EXPECT_EQ(result.decisions[1].job, "c");
  EXPECT_FALSE(result.decisions[1].in);
  EXPECT_EQ(result.decisions[1].place.ToString(), ".gitlab-ci.yml:5:3");
}

TEST(CompileTest, RefusesAFileThatIsTooLargeWithOneError) {
  const CompileResult result = CompileText(std::string(50'000'000, 'x'));
  ASSERT_THAT(result.diagnostics, SizeIs(1));
  EXPECT_THAT(result.diagnostics[0].ToString(),
              HasSubstr(".gitlab-ci.yml: the file has 50000000 bytes"));
}

std::vector<std::string> NotRunnable(const std::string& text) {
  std::vector<std::string> messages;
  for (const config::Diagnostic& diagnostic : CompileText(text).not_runnable) {
    messages.push_back(diagnostic.ToString());
  }
  return messages;
}

TEST(CompileTest, SaysWhatOfAPipelineCanNotBeRunYet) {
  EXPECT_THAT(
      NotRunnable("default: {image: ruby}\na: {script: a}\n"
                  "b: {script: b, image: null, inherit: {default: false}}\n"
                  "c: {script: c, cache: {}, only: [tags]}\n"),
      ElementsAre(".gitlab-ci.yml:1:11: job 'a': 'default:image' can't be run yet; remove it, "
                  "or leave the job out of this pipeline"));
}

TEST(CompileTest, TakesADefaultThatIsSwitchedOffAsNotUsed) {
  EXPECT_THAT(NotRunnable("default: {cache: {paths: [x]}}\na: {script: a, cache: []}\n"),
              IsEmpty());
}

TEST(CompileTest, NeverShowsAMaskedVariableInTheNameOfAnotherProject) {
  TriggerFacts facts;
  facts.branch = "main";
  facts.project_variables = {{"GROUP", "hush-hush"}};
  facts.masked = {"GROUP"};
  const CompileResult result =
      Compile({.name = ".gitlab-ci.yml",
               .text = "a: {script: a, rules: [{exists: {paths: [x], project: $GROUP/b}}]}\n"},
              config::EmptyTree(), facts);
  ASSERT_THAT(result.decisions, SizeIs(1));
  EXPECT_THAT(result.diagnostics, SizeIs(1));
  EXPECT_THAT(result.diagnostics.front().message, Not(HasSubstr("hush-hush")));
}

TEST(CompileTest, RefusesAValueThatIsWrittenTooLarge) {
  std::string links;
  for (int i = 0; i < 4000; ++i) absl::StrAppend(&links, "{name: x, url: y}, ");
  const CompileResult result = CompileText(absl::StrCat(
      "a: {script: a, release: {tag_name: x, description: y, assets: {links: [", links, "]}}}\n"));
  EXPECT_FALSE(result.graph.has_value());
  EXPECT_THAT(result.diagnostics.back().message,
              HasSubstr("'release' has more than 10000 values; make it smaller"));
}

TEST(CompileTest, CountsTheBytesOfAliasesInAValueThatIsWritten) {
  const std::string big(100'000, 'x');
  std::string aliases;
  for (int i = 0; i < 20; ++i) aliases += "*big, ";
  const CompileResult result = CompileText(absl::StrCat(
      ".big: &big ", big, "\na: {script: a, release: {tag_name: x, description: y, milestones: [",
      aliases, "]}}\n"));
  EXPECT_THAT(result.diagnostics.back().message,
              HasSubstr("'release' has more than 1048576 bytes; make it smaller"));
}

TEST(CompileTest, SaysThatAFileIsWellFormedThoughItsPipelineCanNotBe) {
  const CompileResult result =
      CompileText("a: {script: a, rules: [{if: $NO}]}\nb: {script: b, needs: [a]}\n");
  EXPECT_TRUE(result.not_creatable);
  EXPECT_FALSE(result.graph.has_value());
  EXPECT_THAT(result.diagnostics, SizeIs(1));
}

}  // namespace
}  // namespace grange::pipeline
