#include "coordinator/pipeline/stage_list.h"

#include <algorithm>

namespace grange::pipeline {

StageList::StageList() : StageList({"build", "test", "deploy"}) {}

StageList::StageList(const std::vector<std::string>& names) {
  const auto add = [this](absl::string_view name) {
    const bool fresh = index_.try_emplace(name, static_cast<int>(names_.size())).second;
    if (fresh) names_.emplace_back(name);
  };
  add(kPreStage);
  for (const std::string& name : names) {
    if (name != kPostStage) add(name);
  }
  add(kPostStage);
}

std::optional<int> StageList::Find(absl::string_view name) const {
  const auto it = index_.find(name);
  if (it == index_.end()) return std::nullopt;
  return it->second;
}

size_t CharacterCount(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

}  // namespace grange::pipeline
