#include "coordinator/pipeline/scope.h"

#include <optional>

#include "absl/strings/match.h"
#include "common/text/expand.h"
#include "coordinator/pipeline/limits.h"

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

std::optional<std::string> Scope::ExpandName(const std::string& name) const {
  if (name.size() > kExpandedNameMax) return std::nullopt;
  if (!absl::StrContains(name, '$')) return name;
  bool too_long = false;
  std::string expanded = text::Expand(
      name,
      [&](absl::string_view variable) -> std::optional<std::string> {
        const std::string* value = Find(variable);
        if (value == nullptr) return std::nullopt;
        too_long = too_long || value->size() > kExpandedNameMax;
        return too_long ? "" : *value;
      },
      text::Unknown::kKeep);
  if (too_long || expanded.size() > kExpandedNameMax) return std::nullopt;
  return expanded;
}

}  // namespace grange::pipeline
