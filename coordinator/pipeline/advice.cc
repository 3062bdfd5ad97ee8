#include "coordinator/pipeline/advice.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/pipeline_variables.h"

namespace grange::pipeline {
namespace {

bool HasFilter(const JobDraft& job) { return job.only.has_value() || job.except.has_value(); }
bool IsConditional(const JobDraft& job) { return HasFilter(job) || job.rules.has_value(); }

void WarnOfJobsThatNeverRun(const FileDraft& file, Problems& problems) {
  for (const JobDraft& job : file.jobs) {
    if (!job.rules.has_value() || job.rules->empty()) continue;
    const bool never = std::all_of(job.rules->begin(), job.rules->end(),
                                   [](const Rule& rule) { return rule.never; });
    if (!never) continue;
    problems.Warning(job.rules_place,
                     absl::StrCat("job '", job.name, "' can never run: each of its rules says ",
                                  "'when: never'"));
  }
}

void WarnOfMixedConditions(const FileDraft& file, Problems& problems) {
  const auto with_rules = std::find_if(file.jobs.begin(), file.jobs.end(),
                                       [](const JobDraft& job) { return job.rules.has_value(); });
  const auto with_filter = std::find_if(file.jobs.begin(), file.jobs.end(), HasFilter);
  if (with_rules == file.jobs.end() || with_filter == file.jobs.end()) return;
  const Filter& filter = with_filter->only.has_value() ? *with_filter->only : *with_filter->except;
  problems.Warning(filter.place,
                   absl::StrCat("job '", with_filter->name, "' has 'only' or 'except', and job '",
                                with_rules->name, "' has 'rules': they take different pipelines ",
                                "by default; use 'rules' in both"));
}

// A job without conditions and needs while all jobs of earlier stages have conditions.
void WarnOfJobsWithoutThoseBefore(const FileDraft& file, const StageList& stages,
                                  Problems& problems) {
  if (file.has_workflow_rules) return;
  const auto stage_of = [&](const JobDraft& job) { return stages.Find(StageOf(job)); };
  for (const JobDraft& job : file.jobs) {
    if (IsConditional(job) || job.needs.has_value() || StageOf(job) == kPostStage) continue;
    const JobDraft* before = nullptr;
    bool all_conditional = true;
    for (const JobDraft& other : file.jobs) {
      if (stage_of(other) >= stage_of(job) || StageOf(other) == kPreStage) continue;
      if (before == nullptr) before = &other;
      all_conditional = all_conditional && IsConditional(other);
    }
    if (before == nullptr || !all_conditional) continue;
    problems.Warning(job.place,
                     absl::StrCat("job '", job.name, "' is in every pipeline of a branch or tag, ",
                                  "but no job of an earlier stage is, such as '", before->name,
                                  "': it also runs where they don't; give it the same conditions"));
  }
}

}  // namespace

void GiveAdvice(const FileDraft& file, const StageList& stages, Problems& problems) {
  WarnOfJobsThatNeverRun(file, problems);
  WarnOfMixedConditions(file, problems);
  WarnOfJobsWithoutThoseBefore(file, stages, problems);
}

}  // namespace grange::pipeline
