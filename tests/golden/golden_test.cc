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
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/graph_json.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

using Json = nlohmann::ordered_json;

const std::filesystem::path kFolder = std::filesystem::path(GRANGE_SOURCE_DIR) / "tests/golden";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The tree that a case has.
struct GoldenTree : public config::SourceTree {
  absl::StatusOr<config::SourceFile> ReadLocal(absl::string_view path) const override {
    const std::filesystem::path full = folder / std::string(path);
    if (!std::filesystem::is_regular_file(full)) {
      return absl::NotFoundError(absl::StrCat("there is no file '", path, "'"));
    }
    return config::SourceFile{std::string(path), ReadFile(full)};
  }
  absl::StatusOr<config::IncludedFile> Read(const config::IncludeRequest& request) const override {
    config::IncludedFile included;
    std::string path = request.path;  // below `folder`
    std::string name = request.path;
    switch (request.kind) {
      case config::IncludeRequest::Kind::kLocal:
        included.origin = request.from;
        if (request.from.empty()) break;
        path = absl::StrCat("project/", request.from, "/", request.path);
        name = absl::StrCat(request.from, ":", request.path);
        break;
      case config::IncludeRequest::Kind::kProject:
        included.origin =
            absl::StrCat(request.project, "@", request.ref.empty() ? "main" : request.ref);
        path = absl::StrCat("project/", included.origin, "/", request.path);
        name = absl::StrCat(included.origin, ":", request.path);
        break;
      case config::IncludeRequest::Kind::kRemote:
        path = absl::StrCat("remote/", absl::StripPrefix(request.path, "https://"));
        break;
      case config::IncludeRequest::Kind::kTemplate:
        path = absl::StrCat("template/", request.path);
        name = absl::StrCat("template:", request.path);
        break;
      case config::IncludeRequest::Kind::kComponent:
        path = absl::StrCat("component/", request.path, ".yml");
        break;
    }
    absl::StatusOr<config::SourceFile> file = ReadLocal(path);
    if (!file.ok()) return absl::NotFoundError(absl::StrCat("there is no file '", name, "'"));
    included.file = {.name = name, .text = std::move(file->text)};
    return included;
  }
  absl::StatusOr<std::vector<std::string>> Files() const override { return files; }
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const override {
    if (compare_to == "gone") return absl::NotFoundError("there is no branch 'gone'");
    return changed;
  }

  std::filesystem::path folder;
  std::vector<std::string> files;
  std::optional<std::vector<std::string>> changed;
};

void ApplyFact(absl::string_view fact, TriggerFacts& facts, GoldenTree& tree) {
  const std::pair<std::string, std::string> pair = absl::StrSplit(fact, absl::MaxSplits('=', 1));
  const auto& [name, value] = pair;
  if (name == "branch") {
    facts.branch = value;
  } else if (name == "tag") {
    facts.tag = value;
    facts.branch = "";
  } else if (name == "event") {
    const absl::StatusOr<PipelineSource> source = ParsePipelineSource(value);
    ASSERT_TRUE(source.ok()) << source.status();
    facts.source = *source;
    if (facts.source == PipelineSource::kMergeRequest) facts.branch = "";
  } else if (name == "file") {
    tree.files.push_back(value);
  } else if (name == "changed") {
    if (!tree.changed.has_value()) tree.changed.emplace();
    if (!value.empty()) tree.changed->push_back(value);
  } else if (absl::StartsWith(name, "var:")) {
    facts.pipeline_variables.emplace_back(name.substr(4), value);
  } else if (absl::StartsWith(name, "project-var:")) {
    facts.project_variables.emplace_back(name.substr(12), value);
  } else if (absl::StartsWith(name, "input:")) {
    const bool json = Json::accept(value);
    facts.inputs.emplace_back(name.substr(6), json ? value : Json(value).dump());
  } else {
    FAIL() << "unknown fact '" << fact << "'";
  }
}

TriggerFacts FactsOf(const std::string& text, GoldenTree& tree) {
  TriggerFacts facts;
  facts.branch = "main";
  facts.project = "portal";
  facts.project_path = "web/portal";
  facts.sha = "0123456789abcdef0123456789abcdef01234567";
  const std::string first = text.substr(0, text.find('\n'));
  absl::string_view rest = first;
  if (!absl::ConsumePrefix(&rest, "# facts: ")) return facts;
  for (const absl::string_view fact : absl::StrSplit(rest, ' ', absl::SkipEmpty())) {
    ApplyFact(fact, facts, tree);
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

// What of `expected` is not so in `actual`, each with its path.
void Compare(const Json& expected, const Json& actual, const std::string& path,
             std::vector<std::string>& differences) {
  if (expected.is_object() && actual.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      const auto it = actual.find(key);
      if (it == actual.end()) {
        differences.push_back(absl::StrCat(path, "/", key, ": missing"));
      } else {
        Compare(value, *it, absl::StrCat(path, "/", key), differences);
      }
    }
  } else if (expected.is_array() && actual.is_array() && expected.size() == actual.size()) {
    for (size_t i = 0; i < expected.size(); ++i) {
      Compare(expected[i], actual[i], absl::StrCat(path, "/", i), differences);
    }
  } else if (expected != actual) {
    differences.push_back(
        absl::StrCat(path, ": expected ", expected.dump(), ", got ", actual.dump()));
  }
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
  const std::string text = ReadFile(kFolder / absl::StrCat(GetParam(), ".yml"));
  GoldenTree tree;
  tree.folder = kFolder / absl::StrCat(GetParam(), ".d");
  const TriggerFacts facts = FactsOf(text, tree);
  const CompileResult result = Compile({".gitlab-ci.yml", text}, tree, facts);

  EXPECT_EQ(Diagnostics(result), ReadFile(kFolder / absl::StrCat(GetParam(), ".errors")));
  const std::filesystem::path plan_path = kFolder / absl::StrCat(GetParam(), ".plan.json");
  if (!std::filesystem::exists(plan_path)) {
    EXPECT_FALSE(result.graph.has_value()) << "a plan was made, but " << plan_path << " is missing";
    return;
  }
  ASSERT_TRUE(result.graph.has_value());
  ExpectTheMergedTextMeansTheSame(result, tree, facts);
  const Json expected = Json::parse(ReadFile(plan_path), nullptr, false);
  ASSERT_FALSE(expected.is_discarded()) << plan_path << " is not JSON";
  std::vector<std::string> differences;
  Compare(expected, PlanWithDecisions(result), "", differences);
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
