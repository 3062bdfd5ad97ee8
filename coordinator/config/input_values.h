#ifndef GRANGE_COORDINATOR_CONFIG_INPUT_VALUES_H_
#define GRANGE_COORDINATOR_CONFIG_INPUT_VALUES_H_

#include <optional>
#include <string>
#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/header.h"
#include "coordinator/config/include_context.h"
#include "coordinator/config/value.h"

namespace grange::config {

// A value that an `include`, or the start of the pipeline, gives to an input.
struct GivenInput {
  std::string name;
  std::optional<Place> place;  // of `include:inputs`; not set: given at the start
  const Value* value;
};

// Who gives the values of a file's inputs.
struct InputGiver {
  std::string file;            // whose inputs they are, for messages
  std::optional<Place> place;  // of the `include`; not set: the pipeline's start
  std::vector<GivenInput> given;
};

// The values of a file's inputs, by name: what is given, else the default. nullopt, with an error
// for each input that has no value or a wrong one, and for each that does not exist.
std::optional<InputValues> BindInputs(const FileHeader& header, const InputGiver& giver,
                                      const IncludeContext& context,
                                      std::vector<Diagnostic>& diagnostics);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INPUT_VALUES_H_
