#ifndef GRANGE_TOOLS_CTL_COMPILE_FACTS_H_
#define GRANGE_TOOLS_CTL_COMPILE_FACTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/config/source_file.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/compile.h"

namespace grange::ctl {

// What lint, plan and explain are told on the command line.
struct CompileOptions {
  std::string file;  // "": .gitlab-ci.yml; a folder: that file in it
  std::string branch;
  std::string tag;
  std::string event;
  std::vector<std::string> variables;  // NAME=value, also over predefined ones
  std::vector<std::string> changed;    // paths that this push is taken to change
  bool json = false;
};

// What a compilation starts from.
struct CompileInput {
  config::SourceFile root;
  pipeline::TriggerFacts facts;
  std::string include_root;  // where included files are: the repository's, else the file's folder
};

// Reads the file, and the facts from the git checkout that it is in: by default a push of the
// branch that is checked out, else of the default branch; origin/HEAD, else main or master, is the
// default branch. Outside a repository both are "main".
absl::StatusOr<CompileInput> ReadCompileInput(const CompileOptions& options,
                                              const std::string& project);

// What is below a folder, which may be a git checkout. A path that leaves it, also over a link, is
// kNotFound. Without `changed` a push changes nothing that is known.
class FolderTree : public config::SourceTree {
 public:
  FolderTree(std::string root, std::vector<std::string> changed)
      : root_(std::move(root)), changed_(std::move(changed)) {}
  absl::StatusOr<config::SourceFile> ReadLocal(absl::string_view path) const override;
  // All that git tracks or could; of no checkout, none.
  absl::StatusOr<std::vector<std::string>> Files() const override;
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const override;

 private:
  const std::string root_;
  const std::vector<std::string> changed_;
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_COMPILE_FACTS_H_
