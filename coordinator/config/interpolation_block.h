#ifndef GRANGE_COORDINATOR_CONFIG_INTERPOLATION_BLOCK_H_
#define GRANGE_COORDINATOR_CONFIG_INTERPOLATION_BLOCK_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::config {

// Where a `$[[ … ]]` stands in a text.
struct BlockSpan {
  size_t begin;  // of "$[["
  size_t end;    // behind "]]"
  absl::string_view inside;
};

// The first block at or after `from`; a "$[[" that is never closed is text.
std::optional<BlockSpan> FindBlock(absl::string_view text, size_t from);

// One function of a block, such as `truncate(0,8)`.
struct InterpolationFunction {
  std::string name;
  std::vector<std::string> arguments;
};

// What a block says: `inputs.name | function | …`.
struct InterpolationBlock {
  std::string space;  // "inputs"
  std::string name;   // "name"
  std::vector<InterpolationFunction> functions;
};

// kInvalidArgument with the reason, "has 4 functions; the limit is 3", if it is none.
absl::StatusOr<InterpolationBlock> ParseBlock(absl::string_view inside);

// The names of all inputs in the blocks of a text.
std::vector<std::string> InputsMentioned(absl::string_view text);

// `text` after the function. `expand` replaces variables. kInvalidArgument if there is no such
// function, or it has other arguments.
absl::StatusOr<std::string> ApplyFunction(
    const InterpolationFunction& function, const std::string& text,
    const std::function<std::string(absl::string_view)>& expand);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INTERPOLATION_BLOCK_H_
