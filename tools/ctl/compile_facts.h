#ifndef GRANGE_TOOLS_CTL_COMPILE_FACTS_H_
#define GRANGE_TOOLS_CTL_COMPILE_FACTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/config/source_file.h"
#include "coordinator/pipeline/compile.h"
#include "tools/ctl/folder_tree.h"
#include "tools/ctl/key_value.h"

namespace grange::ctl {

// What lint, plan and explain are told on the command line.
struct CompileOptions {
  std::string file;  // "": .gitlab-ci.yml; a folder: that file in it
  std::string branch;
  std::string tag;
  std::string event;
  std::vector<std::string> variables;         // NAME=value, also over predefined ones
  std::vector<std::string> changed;           // paths that this push is taken to change
  std::vector<std::string> inputs;            // NAME=VALUE
  std::vector<std::string> include_projects;  // NAME=DIR
  std::string templates;                      // folder of `include:template`
  std::vector<std::string> include_hosts;     // of `include:remote`
  bool include_private = false;               // hosts with private addresses, too
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

// "NAME=VALUE" of --input: the name, and the value as JSON, which it is already or becomes as text.
absl::StatusOr<KeyValue> ParseInput(absl::string_view text);

// What the flags say of the places that may be included from.
absl::StatusOr<IncludeSources> ReadIncludeSources(const CompileOptions& options);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_COMPILE_FACTS_H_
