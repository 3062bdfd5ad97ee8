#ifndef GRANGE_COORDINATOR_CONFIG_MERGED_CONFIG_H_
#define GRANGE_COORDINATOR_CONFIG_MERGED_CONFIG_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coordinator/config/diagnostic.h"
#include "coordinator/config/include_context.h"
#include "coordinator/config/source_file.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/config/value.h"

namespace grange::config {

// All files of a configuration in one: inputs put in their places, includes merged, then `extends`,
// then `!reference` resolved, hidden jobs still there. What a keyword means is not known here,
// except for `spec`, `include` and `extends`.
struct MergedConfig {
  std::unique_ptr<ValueArena> values;  // owns `root` and all below it
  // A map from names to jobs and global keywords, in file order, without `include`. nullptr if a
  // file could not be read; there is an error then.
  const Value* root = nullptr;
  std::vector<Diagnostic> diagnostics;  // in the order in which they were found
  std::vector<SourceFile> files;        // all that were read, each once, the root file first
  absl::flat_hash_map<std::string, SourceSpan> included_at;  // by file: its first `include`

  // Where `file` was included, then where that file was, …; empty for the root file.
  std::vector<SourceSpan> IncludedFrom(const std::string& file) const;

  // The text of a file that was read, or nullptr.
  const std::string* TextOf(absl::string_view file) const;

  // The whole configuration as one file in GitLab's syntax, without hidden jobs; "" if there is no
  // root.
  std::string Text() const;
};

// An input that is given at the start of the pipeline.
struct InputText {
  std::string name;
  std::string json;
};

// Reads the root file and what it includes. Pure: only `tree` is asked for files.
MergedConfig LoadConfig(const SourceFile& root, const SourceTree& tree, IncludeContext& context,
                        const std::vector<InputText>& inputs = {});

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_MERGED_CONFIG_H_
