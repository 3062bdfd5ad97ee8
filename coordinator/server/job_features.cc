#include "coordinator/server/job_features.h"

#include <algorithm>

#include "common/rpc/features.h"

namespace grange::server {
namespace {

// As BuildSpec() sees it: of equal names the last one counts.
bool HasValue(absl::string_view name, const pipeline::JobPlan& plan, const store::PipelineRow& row,
              const std::vector<store::ProjectVariable>& variables) {
  bool has = false;
  for (const pipeline::Variable& variable : plan.variables) {
    if (variable.name == name) has = !variable.value.empty();
  }
  for (const store::ProjectVariable& variable : variables) {
    if (variable.name != name || variable.masked || variable.file) continue;
    has = !variable.value.Open().empty();
  }
  for (const auto& [given, value] : row.variables) {
    if (given == name) has = !value.empty();
  }
  return has;
}

}  // namespace

std::vector<std::string> NeededFeatures(const pipeline::JobPlan& plan,
                                        const store::PipelineRow& row,
                                        const store::Project& project,
                                        const std::vector<store::ProjectVariable>& variables) {
  std::vector<std::string> needed;
  const auto policy = project.settings.find("trace-limit-policy");
  if (policy != project.settings.end() && policy->second == "fail") {
    needed.emplace_back(rpc::kTraceLimitFail);
  }
  if (HasValue("GRANGE_MEMORY_LIMIT", plan, row, variables) ||
      HasValue("GRANGE_PIDS_LIMIT", plan, row, variables)) {
    needed.emplace_back(rpc::kJobLimits);
  }
  std::ranges::sort(needed);
  return needed;
}

}  // namespace grange::server
