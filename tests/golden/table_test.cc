// The cases of tables/*.cases, whose format is in tables/README.md: each configuration is compiled
// and what comes out is compared with what was written by hand beside it. The full text of all
// messages stands in tables/*.messages; GRANGE_UPDATE=1 writes those anew.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/graph_json.h"
#include "gtest/gtest.h"
#include "tests/golden/golden_support.h"

namespace grange::pipeline {
namespace {

using config::Diagnostic;

const std::filesystem::path kTables =
    std::filesystem::path(GRANGE_SOURCE_DIR) / "tests/golden/tables";

struct Case {
  std::string name;
  std::string section;
  std::string facts;
  std::vector<std::pair<std::string, std::string>> files;  // the first is compiled
  std::optional<std::string> plan;
  std::optional<std::string> errors;
  std::string warnings;
};

// A line of `>>> errors` or `>>> warnings`.
struct Expected {
  std::string file;
  int line = 0;
  std::vector<std::string> words;
  std::string text;  // as written
};

// The path at which a GoldenTree looks for the file of a part: "project web/shop@v1 ci.yml".
std::string TreePath(const std::string& title) {
  std::vector<std::string> words = absl::StrSplit(title, ' ');
  if (words.size() == 1) return title;
  if (words[0] == "project" && words.size() == 3) {
    if (!absl::StrContains(words[1], '@')) words[1] += "@main";
    return absl::StrCat("project/", words[1], "/", words[2]);
  }
  if (words[0] == "remote") return absl::StrCat("remote/", absl::StripPrefix(words[1], "https://"));
  if (words[0] == "component") return absl::StrCat("component/", words[1], ".yml");
  return absl::StrJoin(words, "/");
}

void AddPart(const std::string& title, std::string text, Case& one) {
  if (title == "plan") {
    one.plan = std::move(text);
  } else if (title == "errors") {
    one.errors = std::move(text);
  } else if (title == "warnings") {
    one.warnings = std::move(text);
  } else {
    one.files.emplace_back(TreePath(title), std::move(text));
  }
}

std::vector<Case> ReadCases(const std::filesystem::path& path) {
  std::vector<Case> cases;
  std::string title, part;
  const auto finish = [&] {
    if (!title.empty()) AddPart(title, std::exchange(part, ""), cases.back());
    title.clear();
  };
  for (const absl::string_view line : absl::StrSplit(ReadGoldenFile(path), '\n')) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "=== ")) {
      finish();
      cases.push_back({.name = std::string(absl::StripAsciiWhitespace(rest)),
                       .section = {}, .facts = {}, .files = {}, .plan = {}, .errors = {},
                       .warnings = {}});
    } else if (absl::ConsumePrefix(&rest, ">>> ")) {
      finish();
      title = std::string(absl::StripAsciiWhitespace(rest));
    } else if (!title.empty()) {
      absl::StrAppend(&part, line, "\n");
    } else if (absl::ConsumePrefix(&rest, "section: ")) {
      cases.back().section = std::string(rest);
    } else if (absl::ConsumePrefix(&rest, "facts: ")) {
      cases.back().facts = std::string(rest);
    }
  }
  finish();
  return cases;
}

std::vector<Expected> ReadExpected(const std::string& text, const std::string& root) {
  std::vector<Expected> all;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    if (absl::StripAsciiWhitespace(line) == "not creatable") continue;
    Expected expected{.file = root, .line = 0, .words = {}, .text = std::string(line)};
    // "LINE: …" or "FILE:LINE: …", where the file's name may have colons itself.
    const size_t end = line.find(": ");
    const absl::string_view place = line.substr(0, end);
    const size_t colon = place.rfind(':');
    if (colon != absl::string_view::npos) expected.file = std::string(place.substr(0, colon));
    const absl::string_view number =
        colon == absl::string_view::npos ? place : place.substr(colon + 1);
    EXPECT_TRUE(absl::SimpleAtoi(number, &expected.line)) << line;
    if (end != absl::string_view::npos) {
      for (const absl::string_view word : absl::StrSplit(line.substr(end + 2), ',')) {
        expected.words.emplace_back(absl::StripAsciiWhitespace(word));
      }
    }
    all.push_back(std::move(expected));
  }
  return all;
}

// A warning about a keyword stands at its first place and names the others.
bool IsAbout(const Diagnostic& found, const Expected& expected) {
  if (found.place.file == expected.file && found.place.line == expected.line) return true;
  return found.severity == Diagnostic::Severity::kWarning &&
         absl::StrContains(found.message,
                           absl::StrCat(" ", expected.file, ":", expected.line, ":"));
}

bool Meets(const Diagnostic& found, const Expected& expected) {
  return IsAbout(found, expected) &&
         std::all_of(expected.words.begin(), expected.words.end(), [&](const std::string& word) {
           return absl::StrContains(found.message, word);
         });
}

// Each expected one is met by another of those found; with `all`, none is left over.
void CompareMessages(const std::vector<Expected>& expected, std::vector<Diagnostic> found,
                     bool all, std::vector<std::string>& differences) {
  for (const Expected& one : expected) {
    const auto it = std::find_if(found.begin(), found.end(),
                                 [&](const Diagnostic& d) { return Meets(d, one); });
    if (it == found.end()) {
      differences.push_back(absl::StrCat("expected: ", one.text));
    } else if (all) {
      found.erase(it);
    }
  }
  if (!all && differences.empty()) return;
  for (const Diagnostic& one : found) differences.push_back(absl::StrCat("got: ", one.ToString()));
}

// The plan as the tables have it: its jobs by name, and their order.
Json TablePlan(const PipelineGraph& graph) {
  Json plan = Json::parse(PlanToJson(graph));
  Json jobs = Json::object(), order = Json::array();
  for (Json& job : plan["jobs"]) {
    const std::string name = job["name"];
    order.push_back(name);
    jobs[name] = std::move(job);
  }
  plan["jobs"] = std::move(jobs);
  plan["order"] = std::move(order);
  return plan;
}

struct Outcome {
  std::vector<std::string> differences;
  std::string messages;  // all of them, in full
};

Outcome RunCase(const Case& one) {
  Outcome outcome;
  GoldenTree tree;
  TriggerFacts facts = DefaultFacts();
  if (one.files.empty()) return {{"the case has no file"}, ""};
  for (size_t i = 1; i < one.files.size(); ++i) tree.texts.insert(one.files[i]);
  if (const absl::Status applied = ApplyFacts(one.facts, facts, tree); !applied.ok()) {
    return {{applied.ToString()}, ""};
  }
  const auto& [root, text] = one.files.front();
  const CompileResult result = CompileNoted({root, text}, tree, facts);
  std::vector<Diagnostic> errors, warnings;
  for (const Diagnostic& diagnostic : result.diagnostics) {
    const bool error = diagnostic.severity == Diagnostic::Severity::kError;
    (error ? errors : warnings).push_back(diagnostic);
    absl::StrAppend(&outcome.messages, diagnostic.ToString(), "\n");
  }
  const std::string expected_errors = one.errors.value_or("");
  CompareMessages(ReadExpected(expected_errors, root), errors, true, outcome.differences);
  CompareMessages(ReadExpected(one.warnings, root), warnings, false, outcome.differences);
  if (absl::StartsWith(expected_errors, "not creatable") != result.not_creatable) {
    outcome.differences.push_back(
        absl::StrCat("not creatable: ", result.not_creatable ? "true" : "false"));
  }
  if (one.plan.has_value() && result.graph.has_value()) {
    const Json expected = Json::parse(*one.plan, nullptr, false);
    if (expected.is_discarded()) return {{"the plan is not JSON"}, outcome.messages};
    ComparePart(expected, TablePlan(*result.graph), "", outcome.differences);
  }
  return outcome;
}

std::vector<std::string> TableNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kTables)) {
    if (entry.path().extension() == ".cases") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class TableTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TableTest, EachCaseCompilesToWhatIsWrittenInIt) {
  std::string messages;
  for (const Case& one : ReadCases(kTables / absl::StrCat(GetParam(), ".cases"))) {
    EXPECT_FALSE(one.section.empty()) << one.name << " names no section";
    const Outcome outcome = RunCase(one);
    EXPECT_TRUE(outcome.differences.empty())
        << GetParam() << " " << one.name << "\n  " << absl::StrJoin(outcome.differences, "\n  ");
    if (!outcome.messages.empty()) {
      absl::StrAppend(&messages, "=== ", one.name, "\n", outcome.messages);
    }
  }
  const std::filesystem::path path = kTables / absl::StrCat(GetParam(), ".messages");
  // Tests of this binary run on one thread.
  if (std::getenv("GRANGE_UPDATE") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream(path) << messages;
  }
  EXPECT_EQ(messages, ReadGoldenFile(path)) << "GRANGE_UPDATE=1 writes " << path << " anew";
}

std::string TestName(const ::testing::TestParamInfo<std::string>& param) {
  std::string name = param.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Tables, TableTest, ::testing::ValuesIn(TableNames()), TestName);

TEST(TablesTest, HaveAtLeast250Cases) {
  size_t cases = 0;
  for (const std::string& name : TableNames()) {
    cases += ReadCases(kTables / absl::StrCat(name, ".cases")).size();
  }
  EXPECT_GE(cases, 250u);
}

}  // namespace
}  // namespace grange::pipeline
