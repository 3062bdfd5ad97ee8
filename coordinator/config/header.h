#ifndef GRANGE_COORDINATOR_CONFIG_HEADER_H_
#define GRANGE_COORDINATOR_CONFIG_HEADER_H_

#include <memory>
#include <string>
#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/value.h"

namespace re2 {
class RE2;
}

namespace grange::config {

enum class InputType { kString, kNumber, kBoolean, kArray };

absl::string_view InputTypeName(InputType type);  // "string", as in `type`

// One entry of `spec:inputs:NAME:rules`.
struct InputRule {
  Place place;
  const Value* condition = nullptr;  // of `if`; nullptr: always
  const Value* options = nullptr;
  const Value* default_value = nullptr;
};

// What `spec:inputs` says of one input.
struct InputDeclaration {
  std::string name;
  Place place;  // of the name
  InputType type = InputType::kString;
  const Value* default_value = nullptr;   // nullptr: a value must be given
  const Value* options = nullptr;         // a list; nullptr: any value
  std::shared_ptr<const re2::RE2> regex;  // shared by the copies of this declaration
  std::vector<InputRule> rules;
};

// The header of a file: its first document, when that has `spec`.
struct FileHeader {
  Place place;  // of `spec`
  std::vector<InputDeclaration> inputs;
  std::vector<std::string> component_words;  // of `spec:component`: "name", "sha", …
  const Entry* include = nullptr;            // of `spec:include`
};

// Reads a header. What is wrong with it is an error each; false if there is any.
bool ReadHeader(const Value& document, FileHeader& header, std::vector<Diagnostic>& diagnostics);

// Reads a map of inputs, as `spec:inputs` has it and the files of `spec:include`: a later
// declaration of a name replaces the earlier one.
bool ReadInputs(const Entry& inputs, std::vector<InputDeclaration>& declarations,
                std::vector<Diagnostic>& diagnostics);

// Why `value` can't be a value of this input; "" if it can. `options` are those that count.
std::string WhyNoValue(const InputDeclaration& input, const Value* options, const Value& value);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_HEADER_H_
