#include "coordinator/pipeline/rule_needs.h"

#include <algorithm>
#include <optional>

namespace grange::pipeline {

const std::vector<NeedDraft>* NeedsWith(const JobDraft& job, const Rule* rule) {
  if (rule != nullptr && rule->needs.has_value()) return &*rule->needs;
  return job.needs.has_value() ? &*job.needs : nullptr;
}

std::optional<std::vector<std::string>> DependenciesWith(const JobDraft& job, const Rule* rule) {
  if (!job.dependencies.has_value()) return std::nullopt;
  const bool by_rule = rule != nullptr && rule->needs.has_value();
  std::vector<std::string> names;
  for (const Named& dependency : *job.dependencies) {
    const auto is_it = [&](const NeedDraft& need) { return need.need.job == dependency.name; };
    if (by_rule && std::none_of(rule->needs->begin(), rule->needs->end(), is_it)) continue;
    names.push_back(dependency.name);
  }
  return names;
}

}  // namespace grange::pipeline
