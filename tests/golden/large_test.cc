// The configurations of large/, in the style of real projects, each planned for five events.
//
//   large/NAME/events.json   the events with the names of the jobs that must be in, derived by hand
//   large/NAME/EVENT.plan    what else is planned of each job, a line of JSON each, without scripts;
//                            GRANGE_UPDATE=1 writes these anew

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/graph_json.h"
#include "gtest/gtest.h"
#include "tests/golden/golden_support.h"

namespace grange::pipeline {
namespace {

const std::filesystem::path kLarge = std::filesystem::path(GRANGE_SOURCE_DIR) / "tests/golden/large";

// A configuration and one of its events.
struct Event {
  std::string project;
  std::string name;
  std::string facts;
  std::vector<std::string> jobs;
};

std::vector<Event> AllEvents() {
  std::vector<Event> events;
  for (const auto& folder : std::filesystem::directory_iterator(kLarge)) {
    const Json list = Json::parse(ReadGoldenFile(folder.path() / "events.json"));
    for (const Json& one : list) {
      events.push_back({folder.path().filename(), one["name"], one["facts"],
                        one["jobs"].get<std::vector<std::string>>()});
    }
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::pair(a.project, a.name) < std::pair(b.project, b.name);
  });
  return events;
}

// The files of the project are there for wildcards too.
GoldenTree TreeOf(const std::filesystem::path& folder) {
  GoldenTree tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (extension != ".yml" && extension != ".yaml") continue;
    tree.texts[std::filesystem::relative(entry.path(), folder)] = ReadGoldenFile(entry.path());
  }
  return tree;
}

class LargeTest : public ::testing::TestWithParam<Event> {};

TEST_P(LargeTest, HasTheJobsThatWereDerivedByHand) {
  const Event& event = GetParam();
  GoldenTree tree = TreeOf(kLarge / event.project);
  TriggerFacts facts = DefaultFacts();
  const absl::Status applied = ApplyFacts(event.facts, facts, tree);
  ASSERT_TRUE(applied.ok()) << applied;
  const CompileResult result =
      CompileNoted({".gitlab-ci.yml", tree.texts[".gitlab-ci.yml"]}, tree, facts);
  std::string errors;
  for (const config::Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.severity != config::Diagnostic::Severity::kError) continue;
    absl::StrAppend(&errors, diagnostic.ToString(), "\n");
  }
  ASSERT_EQ(errors, "");
  std::string plan;
  std::vector<std::string> names;
  Json whole = Json::parse(PlanToJson(*result.graph));
  for (Json& job : whole["jobs"]) {
    names.push_back(job["name"]);
    job.erase("script");
    job.erase("after_script");
    absl::StrAppend(&plan, job.dump(), "\n");
  }
  EXPECT_EQ(absl::StrJoin(names, "\n"), absl::StrJoin(event.jobs, "\n"));
  const std::filesystem::path path = kLarge / event.project / absl::StrCat(event.name, ".plan");
  // Tests of this binary run on one thread.
  if (std::getenv("GRANGE_UPDATE") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream(path) << plan;
  }
  EXPECT_EQ(plan, ReadGoldenFile(path)) << "GRANGE_UPDATE=1 writes " << path << " anew";
}

std::string TestName(const ::testing::TestParamInfo<Event>& param) {
  std::string name = absl::StrCat(param.param.project, "_", param.param.name);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !absl::ascii_isalnum(c); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Projects, LargeTest, ::testing::ValuesIn(AllEvents()), TestName);

TEST(LargeFolderTest, HasTenProjectsWithFiveEventsEach) { EXPECT_EQ(AllEvents().size(), 50u); }

}  // namespace
}  // namespace grange::pipeline
