#include "coordinator/pipeline/advice.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
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

void WarnOfPattern(const Pattern* pattern, const config::Place& place, Problems& problems) {
  if (pattern == nullptr || pattern->CanMatch()) return;
  const std::string& text = pattern->text();
  const size_t dollar = text.find('$');
  const bool looks_like_variable = dollar != std::string::npos && dollar + 1 < text.size() &&
                                   (absl::ascii_isupper(text[dollar + 1]) || text[dollar + 1] == '{');
  problems.Warning(
      place, absl::StrCat("no text matches '", text, "': it asks for something before '^', the ",
                          "start of the text, or behind '$', its end",
                          looks_like_variable
                              ? "; variables are not replaced in a regex, but one may hold it all, "
                                "as in $NAME =~ $REGEX"
                              : ""));
}

void WarnOfPatterns(const std::vector<Rule>& rules, Problems& problems) {
  for (const Rule& rule : rules) {
    if (rule.condition != nullptr) {
      for (const Pattern* pattern : rule.condition->Patterns()) {
        WarnOfPattern(pattern, rule.place, problems);
      }
    }
    if (rule.changes.has_value()) {
      WarnOfPattern(rule.changes->regex.get(), rule.changes->place, problems);
    }
    if (rule.exists.has_value()) {
      WarnOfPattern(rule.exists->regex.get(), rule.exists->place, problems);
    }
  }
}

void WarnOfPatterns(const std::optional<Filter>& filter, Problems& problems) {
  if (!filter.has_value()) return;
  for (const Filter::Ref& ref : filter->refs) {
    WarnOfPattern(ref.pattern.get(), filter->place, problems);
  }
  for (const auto& expression : filter->variables) {
    for (const Pattern* pattern : expression->Patterns()) {
      WarnOfPattern(pattern, filter->place, problems);
    }
  }
  if (filter->changes.has_value()) {
    WarnOfPattern(filter->changes->regex.get(), filter->changes->place, problems);
  }
}

// Rules that several jobs take from one place are named once, as equal warnings are one.
void WarnOfPatternsThatNeverMatch(const FileDraft& file, Problems& problems) {
  WarnOfPatterns(file.workflow_rules, problems);
  for (const JobDraft& job : file.jobs) {
    if (job.rules.has_value()) WarnOfPatterns(*job.rules, problems);
    WarnOfPatterns(job.only, problems);
    WarnOfPatterns(job.except, problems);
  }
}

}  // namespace

void GiveAdvice(const FileDraft& file, const StageList& stages, Problems& problems) {
  WarnOfJobsThatNeverRun(file, problems);
  WarnOfMixedConditions(file, problems);
  WarnOfJobsWithoutThoseBefore(file, stages, problems);
  WarnOfPatternsThatNeverMatch(file, problems);
}

}  // namespace grange::pipeline
