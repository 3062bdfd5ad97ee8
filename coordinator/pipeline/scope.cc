#include "coordinator/pipeline/scope.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "common/text/expand.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {

VariableLayer LayerOf(const std::vector<std::pair<std::string, std::string>>& variables,
                      bool expand) {
  VariableLayer layer;
  for (const auto& [name, value] : variables) layer[name] = {value, expand};
  return layer;
}

VariableLayer LayerOf(const std::vector<Variable>& variables) {
  VariableLayer layer;
  for (const Variable& variable : variables) {
    layer[variable.name] = {variable.value, variable.expand};
  }
  return layer;
}

VariableLayer WithMasked(VariableLayer layer, const std::vector<std::string>& masked) {
  for (const std::string& name : masked) {
    if (const auto it = layer.find(name); it != layer.end()) it->second.masked = true;
  }
  return layer;
}

// What one call of Expand() has done so far.
struct Scope::Expansion {
  std::vector<absl::string_view> open;  // the names whose values are being expanded
  int look_ups = 0;
  size_t bytes = 0;
};

std::string Scope::Expand(absl::string_view text) const {
  Expansion expansion;
  return Expand(text, expansion);
}

std::string Scope::Expand(absl::string_view text, Expansion& expansion) const {
  if (!absl::StrContains(text, '$')) return std::string(text);
  return text::Expand(
      text,
      [&](absl::string_view name) -> std::optional<std::string> {
        const LayeredValue* found = FindValue(name);
        if (found == nullptr) return std::nullopt;
        expansion.bytes += found->value.size();
        if (++expansion.look_ups > kExpansionsMax || expansion.bytes > kExpandedBytesMax ||
            std::find(expansion.open.begin(), expansion.open.end(), name) !=
                expansion.open.end()) {
          return std::nullopt;
        }
        if (!found->expand) return found->value;
        expansion.open.push_back(name);
        std::string value = Expand(found->value, expansion);
        expansion.open.pop_back();
        return value;
      },
      text::Unknown::kKeep);
}

std::string Scope::ExpandOnce(absl::string_view text) const {
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
  std::string expanded = Expand(name);
  if (expanded.size() > kExpandedNameMax) return std::nullopt;
  return expanded;
}

}  // namespace grange::pipeline
