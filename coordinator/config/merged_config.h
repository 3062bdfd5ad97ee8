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

// Reads the root file and what it includes. Pure: only `includes` is asked for files.
MergedConfig LoadConfig(const SourceFile& root, const SourceTree& includes);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_MERGED_CONFIG_H_
