#include "coordinator/pipeline/dropped_needs.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/decide.h"
#include "coordinator/pipeline/pipeline_variables.h"

namespace grange::pipeline {
namespace {

struct Event {
  std::string words;  // "a tag"
  TriggerFacts facts;
};

// What pipelines are usually made for, with the variables of `given`.
std::vector<Event> UsualEvents(const TriggerFacts& given) {
  TriggerFacts push = given;
  push.source = PipelineSource::kPush;
  push.tag.clear();
  push.branch = given.default_branch;
  TriggerFacts feature = push;
  feature.branch = "some-feature";
  TriggerFacts tag = push;
  tag.branch.clear();
  tag.tag = "v1.0.0";
  TriggerFacts merge = push;
  merge.source = PipelineSource::kMergeRequest;
  merge.branch.clear();
  merge.predefined.insert(merge.predefined.end(),
                          {{"CI_MERGE_REQUEST_ID", "1"},
                           {"CI_MERGE_REQUEST_IID", "1"},
                           {"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", feature.branch},
                           {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME", given.default_branch},
                           {"CI_OPEN_MERGE_REQUESTS", absl::StrCat(given.project_path, "!1")}});
  TriggerFacts schedule = push;
  schedule.source = PipelineSource::kSchedule;
  return {{"a push to the default branch", std::move(push)},
          {"a push to another branch", std::move(feature)},
          {"a tag", std::move(tag)},
          {"a merge request", std::move(merge)},
          {"a schedule", std::move(schedule)}};
}

// A push that changes nothing, in a repository without files.
class NothingChanged : public config::EmptyTree {
 public:
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view) const override {
    return std::optional<std::vector<std::string>>(std::in_place);
  }
  absl::StatusOr<std::vector<std::string>> FilesOfProject(const std::string&,
                                                          const std::string&) const override {
    return std::vector<std::string>();
  }
};

// Which jobs are in the pipeline of one event; a job is decided when it is asked for.
class Pipeline {
 public:
  Pipeline(const FileDraft& file, const TriggerFacts& facts, PatternCache& patterns)
      : file_(file),
        facts_(facts),
        patterns_(patterns),
        paths_(tree_, ignored_),
        variables_(file, facts) {
    if (!file.has_workflow_rules) return;
    const RuleDecision decision = DecideByRules(file.workflow_rules, {}, "", variables_.OfWorkflow(),
                                                patterns_, paths_, ignored_);
    exists_ = decision.in;
    if (exists_) variables_.SetWorkflow(decision.rule->variables);
  }
  Pipeline(const Pipeline&) = delete;

  bool Has(const JobDraft& job) {
    const auto [known, is_new] = in_.try_emplace(&job, false);
    if (is_new) known->second = exists_ && Decide(job);
    return known->second;
  }

 private:
  bool Decide(const JobDraft& job) {
    const PipelineVariables::OfOneJob layers = variables_.LayersOf(job, nullptr);
    const Scope scope = variables_.OfJob(layers);
    const RuleDecision decision =
        job.rules.has_value()
            ? DecideByRules(*job.rules, job.rules_place, "", scope, patterns_, paths_, ignored_)
            : DecideByFilters(job, file_.has_workflow_rules, facts_, scope, patterns_, paths_);
    return decision.in;
  }

  const FileDraft& file_;
  const TriggerFacts& facts_;
  PatternCache& patterns_;
  const NothingChanged tree_;
  Problems ignored_;
  PathConditions paths_;
  PipelineVariables variables_;
  bool exists_ = true;
  absl::flat_hash_map<const JobDraft*, bool> in_;
};

struct Pair {
  const JobDraft* job;
  const NeedDraft* need;
  const JobDraft* needed;
};

// True if one of the names may have a value of its own in the job.
bool Defines(const JobDraft& job, const std::vector<std::string>& names) {
  const auto follows_from_job = [](const std::string& name) {
    return absl::StartsWith(name, "CI_JOB_") || absl::StartsWith(name, "CI_NODE_");
  };
  if (!job.inherit.all_variables || std::any_of(names.begin(), names.end(), follows_from_job)) {
    return true;
  }
  return std::any_of(job.variables.begin(), job.variables.end(), [&](const Variable& variable) {
    return std::find(names.begin(), names.end(), variable.name) != names.end();
  });
}

// True if both rules have only an `if`, the same one, and it says the same for both jobs.
bool SayTheSame(const Rule& left, const JobDraft& a, const Rule& right, const JobDraft& b) {
  const auto only_if = [](const Rule& rule) {
    return !rule.changes.has_value() && !rule.exists.has_value();
  };
  // Equal expressions are one object.
  if (left.condition != right.condition || left.never != right.never || !only_if(left) ||
      !only_if(right)) {
    return false;
  }
  if (left.condition == nullptr) return true;
  const std::vector<std::string> names = left.condition->VariableNames();
  return !Defines(a, names) && !Defines(b, names);
}

// Surely: most jobs of a file have the conditions of those that they need, and asking about each of
// thousands would take as long as all else.
bool HaveSameConditions(const JobDraft& a, const JobDraft& b) {
  if (a.rules.has_value() && b.rules.has_value()) {
    return std::equal(a.rules->begin(), a.rules->end(), b.rules->begin(), b.rules->end(),
                      [&](const Rule& left, const Rule& right) {
                        return SayTheSame(left, a, right, b);
                      });
  }
  return !a.rules.has_value() && !b.rules.has_value() && !a.only.has_value() &&
         !b.only.has_value() && !a.except.has_value() && !b.except.has_value();
}

std::vector<Pair> PairsWithOtherConditions(const FileDraft& file) {
  absl::flat_hash_map<absl::string_view, const JobDraft*> jobs;
  for (const JobDraft& job : file.jobs) jobs.emplace(job.name, &job);
  std::vector<Pair> pairs;
  for (const JobDraft& job : file.jobs) {
    if (!job.needs.has_value()) continue;
    for (const NeedDraft& need : *job.needs) {
      const auto needed = jobs.find(need.need.job);
      if (need.need.optional || needed == jobs.end()) continue;
      if (!HaveSameConditions(job, *needed->second)) pairs.push_back({&job, &need, needed->second});
    }
  }
  return pairs;
}

}  // namespace

void WarnOfDroppedNeeds(const FileDraft& file, const TriggerFacts& facts, PatternCache& patterns,
                        Problems& problems) {
  std::vector<Pair> pairs = PairsWithOtherConditions(file);
  if (pairs.empty()) return;
  for (const Event& event : UsualEvents(facts)) {
    Pipeline pipeline(file, event.facts, patterns);
    std::erase_if(pairs, [&](const Pair& pair) {
      if (!pipeline.Has(*pair.job) || pipeline.Has(*pair.needed)) return false;
      problems.Warning(
          pair.need->place,
          absl::StrCat("job '", pair.job->name, "' needs '", pair.needed->name,
                       "', but the pipeline of ", event.words, " has the first and not the second, ",
                       "so it can't be made; give both the same conditions, or add ",
                       "'optional: true' to the need"));
      return true;
    });
  }
}

}  // namespace grange::pipeline
