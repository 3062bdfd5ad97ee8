#include "coordinator/pipeline/variable_circles.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/text/expand.h"

namespace grange::pipeline {
namespace {

// The variables, each as it stands after those before it.
void Append(const std::vector<Variable>& variables, std::vector<text::NamedValue>& values) {
  for (const Variable& variable : variables) {
    values.push_back({variable.name, variable.value, variable.expand});
  }
}

bool AnyRefers(const std::vector<Variable>& variables) {
  return std::any_of(variables.begin(), variables.end(), [](const Variable& variable) {
    return variable.expand && absl::StrContains(variable.value, '$');
  });
}

// False if it was reported.
bool Check(const std::vector<text::NamedValue>& values, const config::Place& place,
           const std::string& about, Problems& problems) {
  const absl::Status expanded = text::ExpandAll(values).status();
  if (!absl::IsInvalidArgument(expanded)) return true;  // growth is the agent's to refuse
  problems.Error(place, absl::StrCat(about, "'variables': ", expanded.message()));
  return false;
}

config::Place PlaceOfVariables(const JobDraft& job) {
  for (const Origin& origin : job.origins) {
    if (origin.keyword == "variables") return origin.place;
  }
  return job.place;
}

}  // namespace

void CheckVariableCircles(const FileDraft& file, Problems& problems) {
  std::vector<text::NamedValue> global;
  Append(file.variables, global);
  const bool global_refers = AnyRefers(file.variables);
  if (global_refers && !Check(global, PlaceOfVariables(file.defaults), "", problems)) return;
  for (const JobDraft& job : file.jobs) {
    if (job.variables.empty() || !(global_refers || AnyRefers(job.variables))) continue;
    std::vector<text::NamedValue> values = global;
    Append(job.variables, values);
    Check(values, PlaceOfVariables(job), absl::StrCat("job '", job.name, "': "), problems);
  }
}

}  // namespace grange::pipeline
