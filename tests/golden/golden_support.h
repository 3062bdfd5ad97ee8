#ifndef GRANGE_TESTS_GOLDEN_GOLDEN_SUPPORT_H_
#define GRANGE_TESTS_GOLDEN_GOLDEN_SUPPORT_H_

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/compile.h"

// What the golden tests share: a tree of files, the facts of a trigger in words, and the comparison
// of a part of a plan with the plan.
namespace grange::pipeline {

using Json = nlohmann::ordered_json;

std::string ReadGoldenFile(const std::filesystem::path& path);

// The files of a case: those in `texts`, else those below `folder`.
struct GoldenTree : public config::SourceTree {
  absl::StatusOr<config::SourceFile> ReadLocal(absl::string_view path) const override;
  // What is elsewhere lies in folders of the tree: "project/GROUP/NAME@REF/PATH" ("@main" without a
  // ref), "remote/HOST/PATH", "template/NAME", "component/HOST/PATH/NAME@VERSION.yml".
  absl::StatusOr<config::IncludedFile> Read(const config::IncludeRequest& request) const override;
  absl::StatusOr<std::vector<std::string>> Files() const override;
  absl::StatusOr<std::vector<std::string>> FilesOfProject(const std::string& project,
                                                          const std::string& ref) const override;
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const override;

  std::filesystem::path folder;
  std::map<std::string, std::string> texts;
  std::vector<std::string> files;  // tracked ones, beside `texts`
  std::optional<std::vector<std::string>> changed;
};

// Compile(); if GRANGE_COMPILED names a file, all that comes out is appended to it.
CompileResult CompileNoted(const config::SourceFile& root, const GoldenTree& tree,
                           const TriggerFacts& facts);

// A push to the branch main of project "portal".
TriggerFacts DefaultFacts();

// "branch=dev tag=v1 event=web var:NAME=VALUE …" over `facts`; "file=PATH" adds to the tree's tracked
// files, "changed=PATH" to those that the push changes. "%20" stands for a blank.
// kInvalidArgument for a word that is none of these.
absl::Status ApplyFacts(absl::string_view words, TriggerFacts& facts, GoldenTree& tree);

// What of `expected` is not so in `actual`, each with its path. Maps are compared in part, lists
// whole.
void ComparePart(const Json& expected, const Json& actual, const std::string& path,
                 std::vector<std::string>& differences);

}  // namespace grange::pipeline

#endif  // GRANGE_TESTS_GOLDEN_GOLDEN_SUPPORT_H_
