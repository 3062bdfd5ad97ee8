// GitLab's own test data for the schema of its language: what it accepts and what it refuses. Read
// in place from the folder beside the repository where the project is developed; its README says
// what the files are.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/pipeline/compat_page.h"
#include "coordinator/pipeline/compile.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(GRANGE_SOURCE_DIR) / ".." / "shared" / "conformance" / "gitlab-schema";

// Where we knowingly differ from the files is written down, with the reasons, for
// docs/gitlab-compat.md.
bool IsDifferent(const std::string& file, const std::string& job) {
  const auto differences = SchemaDifferences();
  return std::any_of(differences.begin(), differences.end(), [&](const SchemaDifference& one) {
    return one.file == file && std::find(one.jobs.begin(), one.jobs.end(), job) != one.jobs.end();
  });
}

std::string ReadFile(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(kFolder / name).rdbuf();
  return text.str();
}

std::vector<std::string> FilesOf(const std::string& set) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder / set, error)) {
    names.push_back(absl::StrCat(set, "/", entry.path().filename().string()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A key at the top of a file with all that stands in it.
struct Block {
  std::string key;
  std::string text;
};

std::vector<Block> BlocksOf(const std::string& text) {
  std::vector<Block> blocks;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] != ' ') {
      const size_t value = line.find(": ");
      absl::string_view key = value == absl::string_view::npos ? line : line.substr(0, value);
      blocks.push_back({std::string(absl::StripSuffix(key, ":")), ""});
    }
    absl::StrAppend(&blocks.back().text, line, "\n");
  }
  return blocks;
}

bool IsGlobal(const Block& block) {
  static const std::set<std::string> kGlobals = {"stages",  "default", "variables", "workflow",
                                                 "include", "spec",    "script"};
  return kGlobals.contains(block.key);
}

bool Has(const Block& block, absl::string_view keyword) {
  return absl::StrContains(block.text, absl::StrCat("\n  ", keyword, ":"));
}

// A job with what it lacks to be one.
std::string Complete(const Block& job) {
  const bool runs = Has(job, "script") || Has(job, "run") || Has(job, "trigger") ||
                    Has(job, "extends") || absl::StrContains(job.text, "\n  pages");
  // GitLab refuses a script beside `trigger`; its schema doesn't.
  if (Has(job, "trigger") && Has(job, "script")) {
    return absl::StrReplaceAll(job.text, {{"  script:\n    - echo 'creating pipeline...'\n", ""}});
  }
  return runs ? job.text : absl::StrCat(job.text, "  script: exit 0\n");
}

// The stages and jobs that the jobs of the files speak of.
constexpr char kSurroundings[] = R"(
deploy-template: {script: deploy}
job_with_parallel_matrix:
  script: exit 0
  parallel: {matrix: [{VAR_1: [a, b], VAR_2: [d]}]}
job_with_parallel_matrix_2:
  script: exit 0
  parallel: {matrix: [{VAR_1: [a, b, c], VAR_5: [d, e]}]}
some_job_with_parallel_matrix:
  script: exit 0
  parallel: {matrix: [{VAR_1: [a1, a2], VAR_2: [b1, b2]}]}
)";
constexpr char kStages[] = "stages: [prepare, build, test, dast, deploy]\n";

// The files that an include of the test data names.
class Tree : public config::EmptyTree {
 public:
  absl::StatusOr<config::SourceFile> ReadLocal(absl::string_view path) const override {
    const std::string name(absl::StripPrefix(path, "/"));
    if (name == "template.yml") {
      return config::SourceFile{
          name,
          "spec: {inputs: {environment: , version: , debug: {type: boolean}, "
          "workers: {type: number}}}\n---\nincluded: {script: exit 0}\n"};
    }
    if (name != "builds.yml" && name != "deploys.yml") return absl::NotFoundError(name);
    return config::SourceFile{name, "included: {script: exit 0}\n"};
  }
  // There are the projects that the positive files name. A project here may have a name without a
  // slash, so that the others are refused because they don't exist.
  absl::StatusOr<config::IncludedFile> Read(const config::IncludeRequest& request) const override {
    if (request.kind != config::IncludeRequest::Kind::kProject) return EmptyTree::Read(request);
    static const std::set<std::string> kProjects = {"group/project", "group/sub-group/project",
                                                    "$FOO", "group/$VAR/project", "$."};
    if (!kProjects.contains(request.project)) {
      return absl::NotFoundError(absl::StrCat("there is no project '", request.project, "'"));
    }
    config::IncludedFile file;
    file.file = {absl::StrCat(request.project, ":", request.path), "included: {script: exit 0}\n"};
    file.origin = request.project;
    return file;
  }
};

CompileResult Lint(const std::string& yaml) {
  TriggerFacts facts;
  facts.branch = "main";
  facts.project = "portal";
  if (absl::StrContains(yaml, "array_input")) {  // the inputs that positive/spec_inputs.yml declares
    facts.inputs = {{"string_input", "\"text\""},
                    {"number_input", "4"},
                    {"boolean_input", "true"},
                    {"array_input", "[1, \"two\"]"}};
  }
  return Compile({".gitlab-ci.yml", yaml}, Tree(), facts);
}

// Its errors, one a line; "" if it is accepted. An error without a line is told apart.
std::string ErrorsOf(const std::string& yaml) {
  const CompileResult result = Lint(yaml);
  std::string errors;
  for (const config::Diagnostic& diagnostic : result.diagnostics) {
    if (diagnostic.severity != config::Diagnostic::Severity::kError) continue;
    EXPECT_GT(diagnostic.place.line, 0) << diagnostic.ToString();
    absl::StrAppend(&errors, diagnostic.ToString(), "\n");
  }
  EXPECT_EQ(errors.empty(), result.graph.has_value()) << errors;
  return errors;
}

// What the file says for all jobs, `include` and header aside.
std::string GlobalsOf(const std::vector<Block>& blocks) {
  std::string globals;
  for (const Block& block : blocks) {
    if (block.key == "workflow" || block.key == "variables") globals += block.text;
  }
  return globals;
}

// The pipelines of a file of which each key wraps one.
std::vector<Block> WrappedPipelines(const std::string& text) {
  std::vector<Block> pipelines = BlocksOf(text);
  for (Block& pipeline : pipelines) {
    pipeline.text =
        absl::StrReplaceAll(pipeline.text.substr(pipeline.text.find('\n')), {{"\n  ", "\n"}});
  }
  return pipelines;
}

class ConformanceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (FilesOf("positive").empty()) GTEST_SKIP() << "there is no test data at " << kFolder;
  }
};

TEST_F(ConformanceTest, HasAllFiles) {
  EXPECT_EQ(FilesOf("positive").size(), 34u);
  EXPECT_EQ(FilesOf("negative").size(), 74u);
}

TEST_F(ConformanceTest, AcceptsTheCompleteFilesAsTheyStand) {
  for (const char* name : {"cache", "cache_files_commits", "cache_multiple", "hooks", "id_tokens",
                           "job_inputs", "job_when", "parallel", "retry", "rules_needs", "script",
                           "secrets", "stages", "trigger", "variables"}) {
    EXPECT_EQ(ErrorsOf(ReadFile(absl::StrCat("positive/", name, ".yml"))), "") << name;
  }
}

TEST_F(ConformanceTest, AcceptsTheIncompleteFilesOnceTheyAreCompleted) {
  for (const char* name :
       {"artifacts", "auto_cancel_pipeline__on_job_failure__all",
        "auto_cancel_pipeline__on_job_failure__none", "filter", "identity_provider", "image",
        "include", "needs_parallel_matrix", "project_path", "rules", "services", "spec_inputs",
        "workflow__rules__auto_cancel__on_job_failure",
        "workflow__rules__auto_cancel__on_new_commit"}) {
    const std::string file = absl::StrCat("positive/", name, ".yml");
    std::string header, yaml = kSurroundings;
    bool has_stages = false;
    for (const Block& block : BlocksOf(ReadFile(file))) {
      if (block.key == "spec") {  // the file lacks the line behind it
        header = absl::StrCat(block.text, "---\n");
        continue;
      }
      has_stages = has_stages || block.key == "stages";
      yaml += IsGlobal(block) ? block.text : Complete(block);
    }
    // The surroundings are in stage 'test'.
    yaml = has_stages ? absl::StrReplaceAll(yaml, {{"stages:\n", "stages:\n  - test\n"}})
                      : kStages + yaml;
    yaml = header + yaml;
    EXPECT_EQ(ErrorsOf(yaml), "") << file << "\n" << yaml;
  }
}

TEST_F(ConformanceTest, TreatsTheFilesOfSomeVersionsAsTheirReadmeSays) {
  for (const char* name : {"dast_configuration", "needs_pipeline_optional"}) {
    std::string yaml = kStages;
    for (const Block& block : BlocksOf(ReadFile(absl::StrCat("positive/", name, ".yml")))) {
      yaml += Complete(block);
    }
    EXPECT_EQ(ErrorsOf(yaml), "") << name;
  }
  // `workflow` in a job: an older schema let it pass, GitLab never did.
  for (const char* name :
       {"workflow__auto_cancel__on_job_failure", "workflow__auto_cancel__on_new_commit"}) {
    EXPECT_THAT(ErrorsOf(ReadFile(absl::StrCat("positive/", name, ".yml"))),
                ::testing::HasSubstr("unknown keyword 'workflow'"));
  }
  for (const Block& job : BlocksOf(ReadFile("positive/run.yml"))) {
    const std::string errors = ErrorsOf(job.text);
    if (IsDifferent("positive/run.yml", job.key)) {
      EXPECT_THAT(errors, ::testing::ContainsRegex("'run:(step|action)' does not exist here; only "
                                                   "steps with 'script' are run"));
    } else {
      EXPECT_EQ(errors, "") << job.key;
    }
  }
}

// A file that has no job gets one: it must be refused for what stands in it.
TEST_F(ConformanceTest, RefusesEachNegativeFile) {
  for (const std::string& file : FilesOf("negative")) {
    std::string yaml = ReadFile(file);
    const std::vector<Block> blocks = BlocksOf(yaml);
    if (std::all_of(blocks.begin(), blocks.end(), IsGlobal)) {
      const bool header = blocks.front().key == "spec";
      absl::StrAppend(&yaml, header ? "\n---\n" : "\n", "valid: {script: exit 0}\n");
    }
    EXPECT_NE(ErrorsOf(yaml), "") << file;
  }
}

TEST_F(ConformanceTest, RefusesEachBadJobAlone) {
  std::map<std::string, int> counts;
  for (const std::string& file : FilesOf("negative")) {
    const bool wrapped =
        absl::EndsWith(file, "job_inputs.yml") || absl::EndsWith(file, "/spec_inputs.yml");
    const std::string text = ReadFile(file);
    const std::vector<Block> blocks = wrapped ? WrappedPipelines(text) : BlocksOf(text);
    const std::string globals = wrapped ? "" : GlobalsOf(blocks);
    for (const Block& block : blocks) {
      std::string yaml = kStages;
      if (wrapped) {
        const bool header = absl::StartsWith(block.text, "\nspec:");
        const bool no_job = header || absl::StartsWith(block.text, "\ninclude:");
        yaml = absl::StrCat(block.text, header ? "---\n" : "",
                            no_job ? "valid: {script: exit 0}\n" : "");
      } else if (block.key == "stages" || block.key == "spec") {
        yaml = absl::StrCat(block.text, block.key == "spec" ? "---\n" : "",
                            "valid: {script: exit 0}\n");
      } else if (IsGlobal(block)) {
        absl::StrAppend(&yaml, block.text, kSurroundings);
      } else {
        absl::StrAppend(&yaml, globals, kSurroundings, Complete(block));
      }
      const std::string errors = ErrorsOf(yaml);
      const bool different = IsDifferent(file, block.key);
      EXPECT_EQ(errors.empty(), different) << file << ": " << block.key << "\n" << errors << yaml;
      EXPECT_THAT(errors, ::testing::Not(::testing::HasSubstr("has no 'script'"))) << yaml;
      ++counts[different ? "different" : "refused"];
    }
  }
  for (const auto& [outcome, count] : counts) RecordProperty(outcome, count);
}

}  // namespace
}  // namespace grange::pipeline
