#include "coordinator/pipeline/scope.h"

#include <optional>

#include "common/text/expand.h"

namespace grange::pipeline {

VariableLayer LayerOf(const std::vector<std::pair<std::string, std::string>>& variables) {
  VariableLayer layer;
  for (const auto& [name, value] : variables) layer[name] = value;
  return layer;
}

VariableLayer LayerOf(const std::vector<Variable>& variables) {
  VariableLayer layer;
  for (const Variable& variable : variables) layer[variable.name] = variable.value;
  return layer;
}

std::string Scope::Expand(absl::string_view text) const {
  return text::Expand(
      text,
      [this](absl::string_view name) -> std::optional<std::string> {
        const std::string* value = Find(name);
        return value == nullptr ? std::nullopt : std::optional<std::string>(*value);
      },
      text::Unknown::kKeep);
}

}  // namespace grange::pipeline
