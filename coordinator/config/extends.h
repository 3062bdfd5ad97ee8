#ifndef GRANGE_COORDINATOR_CONFIG_EXTENDS_H_
#define GRANGE_COORDINATOR_CONFIG_EXTENDS_H_

#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/value.h"

namespace grange::config {

// The map of a whole configuration with each `extends` resolved: the parents merged from left to
// right, then the job over them, `extends` itself left out. Unknown parents, circles and too many
// levels are errors; such a job stays as it is written, with its `extends`.
const Value* ResolveExtends(const Value* root, ValueArena& arena,
                            std::vector<Diagnostic>& diagnostics);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_EXTENDS_H_
