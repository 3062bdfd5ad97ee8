#include "coordinator/pipeline/needs_check.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

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
    CheckCircles();
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
    if (!job.needs.has_value()) return;
    for (const NeedDraft& need : *job.needs) {
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

  // Depth first, with a stack of its own: a chain may have as many jobs as the file.
  void CheckCircles() {
    enum class Mark : char { kNew, kOpen, kDone };
    struct Open {
      int job;
      size_t next;
    };
    std::vector<Mark> marks(jobs_.size(), Mark::kNew);
    for (size_t root = 0; root < jobs_.size(); ++root) {
      if (marks[root] != Mark::kNew) continue;
      std::vector<Open> open = {{static_cast<int>(root), 0}};
      marks[root] = Mark::kOpen;
      while (!open.empty()) {
        Open& top = open.back();
        const JobDraft& job = jobs_[top.job];
        if (!job.needs.has_value() || top.next == job.needs->size()) {
          marks[top.job] = Mark::kDone;
          open.pop_back();
          continue;
        }
        const NeedDraft& need = (*job.needs)[top.next++];
        const auto it = index_.find(need.need.job);
        if (it == index_.end() || it->second == top.job) continue;
        if (marks[it->second] == Mark::kNew) {
          marks[it->second] = Mark::kOpen;
          open.push_back({it->second, 0});
        } else if (marks[it->second] == Mark::kOpen) {
          std::vector<int> circle;
          for (const Open& one : open) {
            if (one.job == it->second || !circle.empty()) circle.push_back(one.job);
          }
          ReportCircle(circle, need);
        }
      }
    }
  }

  void ReportCircle(const std::vector<int>& circle, const NeedDraft& last) {
    constexpr size_t kNamesMax = 10;
    std::string names;
    for (size_t i = 0; i < circle.size(); ++i) {
      if (i == kNamesMax) {
        names += "… -> ";
        break;
      }
      absl::StrAppend(&names, jobs_[circle[i]].name, " -> ");
    }
    Error(jobs_[circle.back()], last.place,
          absl::StrCat("needs itself through others: ", names, last.need.job));
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
}

}  // namespace grange::pipeline
