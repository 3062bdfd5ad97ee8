#include "coordinator/pipeline/needs_check.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/needs_circle.h"

namespace grange::pipeline {
namespace {

class Checker {
 public:
  Checker(const std::vector<JobDraft>& jobs, const StageList& stages, Problems& problems)
      : jobs_(jobs), stages_(stages), problems_(problems) {
    for (size_t i = 0; i < jobs.size(); ++i) {
      index_.try_emplace(jobs[i].name, static_cast<int>(i));
      stage_of_.push_back(stages.Find(
          jobs[i].stage.has_value() ? absl::string_view(jobs[i].stage->name) : kDefaultStage));
    }
  }

  void Run() {
    for (size_t i = 0; i < jobs_.size(); ++i) {
      CheckNeedsOf(static_cast<int>(i));
      CheckDependenciesOf(static_cast<int>(i));
    }
  }

 private:
  void Error(const JobDraft& job, const config::Place& place, const std::string& what) {
    problems_.Error(place, absl::StrCat("job '", job.name, "' ", what));
  }

  // -1, reported, if there is no such job.
  int Find(const JobDraft& job, const std::string& name, const config::Place& place,
           absl::string_view verb) {
    const auto it = index_.find(name);
    if (it != index_.end()) return it->second;
    std::string suggestion;
    if (absl::string_view(name).substr(0, 1) == ".") {
      suggestion = "; hidden jobs never run";
    } else if (problems_.WantsSuggestion()) {
      std::vector<std::string> names;
      for (const JobDraft& other : jobs_) names.push_back(other.name);
      suggestion = problems_.DidYouMean(name, names);
    }
    Error(job, place, absl::StrCat(verb, " '", name, "', which does not exist", suggestion));
    return -1;
  }

  std::string StageName(int job) const { return stages_.names()[*stage_of_[job]]; }

  void CheckNeedsOf(int i) {
    const JobDraft& job = jobs_[i];
    if (job.needs.has_value()) CheckEach(i, *job.needs);
    if (!job.rules.has_value()) return;
    for (const Rule& rule : *job.rules) {
      if (rule.needs.has_value()) CheckEach(i, *rule.needs);
    }
  }

  void CheckEach(int i, const std::vector<NeedDraft>& needs) {
    const JobDraft& job = jobs_[i];
    for (const NeedDraft& need : needs) {
      if (need.need.job == job.name) {
        Error(job, need.place, "needs itself; remove it from its 'needs'");
        continue;
      }
      // A job that may be missing may also be missing from the file.
      if (need.need.optional && index_.find(need.need.job) == index_.end()) continue;
      const int other = Find(job, need.need.job, need.place, "needs");
      if (other < 0 || !stage_of_[i].has_value() || !stage_of_[other].has_value()) continue;
      if (*stage_of_[other] > *stage_of_[i]) {
        Error(job, need.place,
              absl::StrCat("in stage '", StageName(i), "' needs '", need.need.job,
                           "', which is in the later stage '", StageName(other), "'"));
      }
    }
  }

  void CheckDependenciesOf(int i) {
    const JobDraft& job = jobs_[i];
    if (!job.dependencies.has_value()) return;
    for (const Named& dependency : *job.dependencies) {
      const int other = Find(job, dependency.name, dependency.place, "depends on");
      if (other < 0) continue;
      if (job.needs.has_value()) {
        const bool needed =
            std::any_of(job.needs->begin(), job.needs->end(),
                        [&](const NeedDraft& need) { return need.need.job == dependency.name; });
        if (!needed) {
          Error(job, dependency.place,
                absl::StrCat("depends on '", dependency.name,
                             "', which is not in its 'needs'; add it there"));
        }
        continue;
      }
      if (!stage_of_[i].has_value() || !stage_of_[other].has_value()) continue;
      if (*stage_of_[other] >= *stage_of_[i]) {
        Error(job, dependency.place,
              absl::StrCat("in stage '", StageName(i), "' depends on '", dependency.name,
                           "', which is not in an earlier stage"));
      }
    }
  }

  const std::vector<JobDraft>& jobs_;
  const StageList& stages_;
  Problems& problems_;
  absl::flat_hash_map<absl::string_view, int> index_;
  std::vector<std::optional<int>> stage_of_;
};

}  // namespace

void CheckNeeds(const std::vector<JobDraft>& jobs, const StageList& stages, Problems& problems) {
  Checker(jobs, stages, problems).Run();
  std::vector<const std::vector<NeedDraft>*> needs;
  needs.reserve(jobs.size());
  for (const JobDraft& job : jobs) needs.push_back(job.needs.has_value() ? &*job.needs : nullptr);
  CheckNeedsCircles(jobs, needs, problems);
}

}  // namespace grange::pipeline
