#ifndef GRANGE_AGENT_WORKSPACE_TREE_SIZE_H_
#define GRANGE_AGENT_WORKSPACE_TREE_SIZE_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace grange::workspace {

// Disk space of the files below `path` that were written or moved there since `since` (by the
// machine's wall clock), on the file system of `path`. Follows no links. The job may change the
// tree meanwhile: what can't be read counts nothing. Looks at a million files at most. Blocks.
uint64_t BytesChangedSince(const std::string& path, absl::Time since);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_TREE_SIZE_H_
