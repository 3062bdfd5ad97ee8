#ifndef GRANGE_COORDINATOR_PIPELINE_SCOPE_H_
#define GRANGE_COORDINATOR_PIPELINE_SCOPE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "coordinator/pipeline/graph.h"

namespace grange::pipeline {

struct LayeredValue {
  std::string value;
  bool expand = true;   // false: its `$` are text
  bool masked = false;  // no text that is stored or shown may have it
};

// Names to values of one group of variables.
using VariableLayer = absl::flat_hash_map<std::string, LayeredValue>;

VariableLayer LayerOf(const std::vector<std::pair<std::string, std::string>>& variables,
                      bool expand = true);
VariableLayer LayerOf(const std::vector<Variable>& variables);
// The layer, with these names marked as masked.
VariableLayer WithMasked(VariableLayer layer, const std::vector<std::string>& masked);

// What a name means at one point of a compilation: groups of variables above each other. The
// layers belong to the caller and must live as long.
class Scope {
 public:
  // From the one that wins to the one that loses; nullptr is passed over.
  explicit Scope(std::vector<const VariableLayer*> layers) : layers_(std::move(layers)) {}

  // The same for texts that are stored or shown, such as names: without masked variables.
  Scope Shown() const {
    Scope shown = *this;
    shown.hides_masked_ = true;
    return shown;
  }

  // nullptr if the name is not defined; an empty value is.
  const std::string* Find(absl::string_view name) const {
    const LayeredValue* found = FindValue(name);
    return found == nullptr ? nullptr : &found->value;
  }

  // `text` with the values of its $NAME and ${NAME}, those in the values too; unknown ones, and
  // what goes round in a circle, stay. Bounded: a text that would take more than kExpansionsMax
  // look-ups, or grow beyond kExpandedBytesMax, stays as it is from there on.
  std::string Expand(absl::string_view text) const;
  // The same for `text` alone: `$` in the values stay.
  std::string ExpandOnce(absl::string_view text) const;
  // As Expand(), for a name; nullopt if it or its result is longer than kExpandedNameMax.
  std::optional<std::string> ExpandName(const std::string& name) const;

 private:
  const LayeredValue* FindValue(absl::string_view name) const {
    for (const VariableLayer* layer : layers_) {
      if (layer == nullptr) continue;
      const auto it = layer->find(name);
      if (it != layer->end() && !(hides_masked_ && it->second.masked)) return &it->second;
    }
    return nullptr;
  }
  struct Expansion;
  std::string Expand(absl::string_view text, Expansion& expansion) const;

  std::vector<const VariableLayer*> layers_;
  bool hides_masked_ = false;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_SCOPE_H_
