#ifndef GRANGE_COORDINATOR_CONFIG_INCLUDE_CONTEXT_H_
#define GRANGE_COORDINATOR_CONFIG_INCLUDE_CONTEXT_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/config/include_request.h"
#include "coordinator/config/value.h"

namespace grange::config {

// The inputs of a file, by name.
using InputValues = absl::flat_hash_map<std::string, const Value*>;

// The file in which an `include` stands.
struct IncludingFile {
  Origin origin;
  // A remote file and a template belong to no repository: there are no variables in them, and no
  // local files beside them.
  bool in_repository = true;
};

// What the composition of files must know of the pipeline that is made.
class IncludeContext {
 public:
  virtual ~IncludeContext() = default;

  // The text with the variables that may stand in `include`; unknown ones stay.
  virtual std::string Expand(absl::string_view text) const = 0;

  // Whether `include:rules` let the file in. Reports what is wrong with them itself.
  virtual bool Allows(const Entry& rules, const IncludingFile& file) = 0;

  // Whether the condition of a rule of `spec:inputs` holds: an expression, as in `rules:if`, in
  // which `$[[ inputs.NAME ]]` stands for values of `inputs`. kInvalidArgument if it is no
  // expression, or has other inputs or any variables.
  virtual absl::StatusOr<bool> Holds(absl::string_view condition,
                                     const InputValues& inputs) const = 0;
};

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INCLUDE_CONTEXT_H_
