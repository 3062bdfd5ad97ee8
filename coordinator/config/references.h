#ifndef GRANGE_COORDINATOR_CONFIG_REFERENCES_H_
#define GRANGE_COORDINATOR_CONFIG_REFERENCES_H_

#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/value.h"

namespace grange::config {

// The map of a whole configuration with each `!reference [a, b, …]` replaced by the value at that
// path of the same map. In a list, a reference to a list gives its items, not a list in the list.
// A part of the path may be a number, the place in a list from 0. What is not there, circles and
// references nested too deep are errors; such a reference stays as it is written.
//
// After `extends`, as in GitLab: a reference sees what its target has inherited.
const Value* ResolveReferences(const Value* root, ValueArena& arena,
                               std::vector<Diagnostic>& diagnostics);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_REFERENCES_H_
