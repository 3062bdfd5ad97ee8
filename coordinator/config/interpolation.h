#ifndef GRANGE_COORDINATOR_CONFIG_INTERPOLATION_H_
#define GRANGE_COORDINATOR_CONFIG_INTERPOLATION_H_

#include <functional>
#include <string>
#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/include_context.h"
#include "coordinator/config/include_request.h"
#include "coordinator/config/value.h"

namespace grange::config {

// What the blocks of a file can name.
struct InterpolationScope {
  InputValues inputs;
  std::vector<std::string> component_words;              // that `spec:component` asks for
  const ComponentFacts* component = nullptr;             // nullptr: the file is no component
  std::function<std::string(absl::string_view)> expand;  // for `expand_vars`
};

// The tree with each `$[[ … ]]` in its texts and keys replaced. A text that is one block becomes
// the value itself, with its type; else the value's text takes the block's place, lists and maps as
// JSON. `$[[ matrix.… ]]` stays. nullptr if anything is wrong: an error for each block.
//
// Each value of the tree is done once, however often aliases repeat it.
const Value* Interpolate(const Value* root, const InterpolationScope& scope, ValueArena& arena,
                         std::vector<Diagnostic>& diagnostics);

// The first text of a tree with `$[[ inputs.… ]]` or `$[[ component.… ]]` in it, or nullptr.
const Value* FindInterpolation(const Value* root);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INTERPOLATION_H_
