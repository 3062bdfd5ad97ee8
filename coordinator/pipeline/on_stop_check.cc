#include "coordinator/pipeline/on_stop_check.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace grange::pipeline {
namespace {

// What is wrong with `stop` as the job that stops `environment`; "" if nothing is.
std::string WhatIsWrong(const JobDraft& stop, const Environment& environment) {
  if (!stop.environment.has_value()) {
    return absl::StrCat("has no 'environment'; give it {name: ", environment.name,
                        ", action: stop}");
  }
  if (stop.environment->name != environment.name) {
    return absl::StrCat("has another environment, '", stop.environment->name,
                        "'; both must have the same");
  }
  if (stop.environment->action != "stop") return "has no 'action: stop' in its environment; add it";
  return "";
}

}  // namespace

void CheckOnStop(const std::vector<JobDraft>& jobs, Problems& problems) {
  absl::flat_hash_map<absl::string_view, const JobDraft*> by_name;
  for (const JobDraft& job : jobs) by_name.try_emplace(job.name, &job);
  for (const JobDraft& job : jobs) {
    if (!job.environment.has_value() || !job.environment->on_stop.has_value()) continue;
    const Named& name = *job.environment->on_stop;
    const std::string about =
        absl::StrCat("job '", job.name, "': 'environment:on_stop' names '", name.name, "', which ");
    const auto stop = by_name.find(name.name);
    if (stop == by_name.end()) {
      std::vector<std::string> names;
      if (problems.WantsSuggestion()) {
        for (const JobDraft& other : jobs) names.push_back(other.name);
      }
      problems.Error(name.place,
                     absl::StrCat(about, "does not exist", problems.DidYouMean(name.name, names)));
      continue;
    }
    const std::string wrong = WhatIsWrong(*stop->second, *job.environment);
    if (!wrong.empty()) problems.Error(name.place, absl::StrCat(about, wrong));
  }
}

}  // namespace grange::pipeline
