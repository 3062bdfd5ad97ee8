#ifndef GRANGE_COORDINATOR_CONFIG_MERGED_CONFIG_H_
#define GRANGE_COORDINATOR_CONFIG_MERGED_CONFIG_H_

#include <memory>
#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/source_file.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/config/value.h"

namespace grange::config {

// All files of a configuration in one: includes merged, then `extends`, then `!reference`
// resolved, hidden jobs still there. What a keyword means is not known here, except for `include`
// and `extends`.
struct MergedConfig {
  std::unique_ptr<ValueArena> values;  // owns `root` and all below it
  // A map from names to jobs and global keywords, in file order, without `include`. nullptr if a
  // file could not be read; there is an error then.
  const Value* root = nullptr;
  std::vector<Diagnostic> diagnostics;  // in the order in which they were found
};

// What `include` must know of the pipeline that is made.
class IncludeContext {
 public:
  virtual ~IncludeContext() = default;
  // The text with the variables that may stand in `include`; unknown ones stay.
  virtual std::string Expand(absl::string_view text) const = 0;
  // Whether `include:rules` let the file in. Reports what is wrong with them itself.
  virtual bool Allows(const Entry& rules) = 0;
};

// Reads the root file and what it includes. Pure: only `tree` is asked for files.
MergedConfig LoadConfig(const SourceFile& root, const SourceTree& tree, IncludeContext& context);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_MERGED_CONFIG_H_
