// Each NAME.yml of this folder is compiled, and what comes out is compared with the files beside
// it, which are written by hand:
//   NAME.errors     all diagnostics, line by line; without this file there must be none
//   NAME.plan.json  a part of the plan: what stands in it must be so, the rest is not looked at
//                   (lists are compared whole); "decisions" has the reason for each job
//   NAME.d/         files that can be included; those of other places are below project/NAME@REF/,
//                   remote/HOST/, template/ and component/HOST/PATH/NAME@VERSION.yml
// A first line "# facts: branch=dev tag=v1 event=web var:NAME=VALUE" changes the trigger; without
// it a push to the branch main is compiled. "file=PATH" adds to the tracked files, "changed=PATH"
// to those that the push changes; without one there is nothing to compare with. "input:NAME=VALUE"
// gives an input: JSON, else text.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/graph_json.h"
#include "gtest/gtest.h"
#include "tests/golden/golden_support.h"

namespace grange::pipeline {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(GRANGE_SOURCE_DIR) / "tests/golden";

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TriggerFacts FactsOf(const std::string& text, GoldenTree& tree) {
  TriggerFacts facts = DefaultFacts();
  const std::string first = text.substr(0, text.find('\n'));
  absl::string_view words = first;
  if (absl::ConsumePrefix(&words, "# facts: ")) {
    const absl::Status applied = ApplyFacts(words, facts, tree);
    EXPECT_TRUE(applied.ok()) << applied;
  }
  return facts;
}

std::string Diagnostics(const CompileResult& result) {
  std::string text;
  for (const config::Diagnostic& diagnostic : result.diagnostics) {
    absl::StrAppend(&text, diagnostic.ToString(), diagnostic.IncludedFromLines(), "\n");
  }
  if (result.not_creatable) text += "(well-formed, but this pipeline can't be created)\n";
  return text;
}

Json PlanWithDecisions(const CompileResult& result) {
  Json plan = result.graph.has_value() ? Json::parse(PlanToJson(*result.graph)) : Json::object();
  Json decisions = Json::object();
  for (const JobDecision& decision : result.decisions) {
    decisions[decision.job] = absl::StrCat(decision.in ? "in: " : "out: ", decision.reason);
  }
  plan["decisions"] = decisions;
  return plan;
}

// The plan without the places, which are others in another text.
Json PlanWithoutPlaces(const PipelineGraph& graph) {
  Json plan = Json::parse(PlanToJson(graph));
  for (Json& job : plan["jobs"]) job.erase("place");
  return plan;
}

void ExpectTheMergedTextMeansTheSame(const CompileResult& result, const GoldenTree& tree,
                                     TriggerFacts facts) {
  facts.inputs.clear();
  const std::string merged = result.config.Text();
  const CompileResult again = Compile({"merged.yml", merged}, tree, facts);
  ASSERT_TRUE(again.graph.has_value()) << Diagnostics(again) << merged;
  EXPECT_EQ(PlanWithoutPlaces(*again.graph), PlanWithoutPlaces(*result.graph)) << merged;
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, CompilesToWhatIsWrittenBesideIt) {
  const std::string text = ReadGoldenFile(kFolder / absl::StrCat(GetParam(), ".yml"));
  GoldenTree tree;
  tree.folder = kFolder / absl::StrCat(GetParam(), ".d");
  const TriggerFacts facts = FactsOf(text, tree);
  const CompileResult result = CompileNoted({".gitlab-ci.yml", text}, tree, facts);

  EXPECT_EQ(Diagnostics(result), ReadGoldenFile(kFolder / absl::StrCat(GetParam(), ".errors")));
  const std::filesystem::path plan_path = kFolder / absl::StrCat(GetParam(), ".plan.json");
  if (!std::filesystem::exists(plan_path)) {
    EXPECT_FALSE(result.graph.has_value()) << "a plan was made, but " << plan_path << " is missing";
    return;
  }
  ASSERT_TRUE(result.graph.has_value());
  ExpectTheMergedTextMeansTheSame(result, tree, facts);
  const Json expected = Json::parse(ReadGoldenFile(plan_path), nullptr, false);
  ASSERT_FALSE(expected.is_discarded()) << plan_path << " is not JSON";
  std::vector<std::string> differences;
  ComparePart(expected, PlanWithDecisions(result), "", differences);
  EXPECT_TRUE(differences.empty()) << absl::StrJoin(differences, "\n");
}

std::string TestName(const ::testing::TestParamInfo<std::string>& param) {
  std::string name = param.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest, ::testing::ValuesIn(CaseNames()), TestName);

TEST(GoldenFolderTest, HasAtLeastSixtyCases) { EXPECT_GE(CaseNames().size(), 60u); }

}  // namespace
}  // namespace grange::pipeline
