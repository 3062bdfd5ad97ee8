#include "coordinator/pipeline/job_planner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/environment.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/variable_set.h"

namespace grange::pipeline {
namespace {

std::optional<std::vector<Need>> NeedsOf(const JobDraft& job, JobPlanner::IsIn is_in) {
  if (!job.needs.has_value()) return std::nullopt;
  std::vector<Need> needs;
  for (const NeedDraft& need : *job.needs) {
    if (is_in(need.need.job)) needs.push_back(need.need);
  }
  return needs;
}

std::optional<std::vector<std::string>> DependenciesOf(const JobDraft& job,
                                                       JobPlanner::IsIn is_in) {
  if (!job.dependencies.has_value()) return std::nullopt;
  std::vector<std::string> names;
  for (const Named& dependency : *job.dependencies) {
    if (is_in(dependency.name)) names.push_back(dependency.name);
  }
  return names;
}

}  // namespace

JobPlan JobPlanner::Plan(const JobDraft& job, const Rule* rule, IsIn is_in) {
  JobPlan plan;
  plan.name = job.name;
  plan.place = job.place.Span();
  plan.when = job.when.value_or(lifecycle::When::kOnSuccess);
  plan.start_in = job.start_in.value_or(absl::ZeroDuration());
  // Only at job level a manual job may fail; one that a rule made manual blocks.
  plan.allow_failure = job.allow_failure.value_or(
      AllowFailure{.always = job.when == lifecycle::When::kManual, .exit_codes = {}});
  plan.interruptible = job.interruptible.value_or(false);
  if (rule != nullptr) {
    plan.when = rule->when.value_or(plan.when);
    plan.start_in = rule->start_in.value_or(plan.start_in);
    plan.allow_failure = rule->allow_failure.value_or(plan.allow_failure);
    plan.interruptible = rule->interruptible.value_or(plan.interruptible);
  }
  plan.needs = NeedsOf(job, is_in);
  plan.dependencies = DependenciesOf(job, is_in);
  plan.tags = TagsOf(job, rule);
  plan.script = job.before_script.value_or(std::vector<std::string>());
  plan.script.insert(plan.script.end(), job.script->begin(), job.script->end());
  plan.after_script = job.after_script.value_or(std::vector<std::string>());
  plan.variables = VariablesOf(job, rule);
  AddEnvironment(job, rule, plan);
  plan.timeout = job.timeout;
  plan.retry = job.retry.value_or(lifecycle::RetryPolicy());
  plan.artifacts = job.artifacts;
  plan.coverage = job.coverage.value_or("");
  return plan;
}

std::vector<std::string> JobPlanner::TagsOf(const JobDraft& job, const Rule* rule) {
  if (!job.tags.has_value()) return {};
  std::vector<std::string> tags;
  const VariableLayer of_rule = rule == nullptr ? VariableLayer() : LayerOf(rule->variables);
  const VariableLayer own = LayerOfJob(job);
  const Scope scope = variables_.OfJob(of_rule, own);
  for (const std::string& tag : *job.tags) {
    std::optional<std::string> expanded = scope.ExpandName(tag);
    if (!expanded.has_value()) {
      problems_.Error(job.place, absl::StrCat("job '", job.name, "': a tag has at most ",
                                              kExpandedNameMax, " bytes"));
    } else if (std::find(tags.begin(), tags.end(), *expanded) == tags.end()) {
      tags.push_back(*std::move(expanded));
    }
  }
  return tags;
}

void JobPlanner::AddEnvironment(const JobDraft& job, const Rule* rule, JobPlan& plan) {
  if (!job.environment.has_value()) return;
  const Environment& environment = *job.environment;
  const VariableLayer of_rule = rule == nullptr ? VariableLayer() : LayerOf(rule->variables);
  const VariableLayer own = LayerOfJob(job);
  const Scope scope = variables_.OfJob(of_rule, own);
  plan.environment = scope.ExpandName(environment.name).value_or(environment.name);
  if (const absl::Status named = CheckEnvironmentName(plan.environment); !named.ok()) {
    problems_.Error(environment.place, absl::StrCat("job '", job.name, "': ", named.message()));
    return;
  }
  const auto add = [&plan](absl::string_view name, std::string value, bool expand) {
    plan.variables.push_back(
        {.name = std::string(name), .value = std::move(value), .expand = expand});
  };
  add("CI_ENVIRONMENT_NAME", plan.environment, false);
  add("CI_ENVIRONMENT_SLUG", EnvironmentSlug(plan.environment), false);
  add("CI_ENVIRONMENT_ACTION", environment.action, false);
  add("CI_ENVIRONMENT_TIER",
      environment.tier.empty() ? std::string(EnvironmentTier(plan.environment)) : environment.tier,
      false);
  if (!environment.url.empty()) add("CI_ENVIRONMENT_URL", environment.url, true);
}

std::vector<Variable> JobPlanner::VariablesOf(const JobDraft& job, const Rule* rule) {
  VariableSet set;
  const std::vector<std::string>& wanted = job.inherit.variables;
  for (const Variable& variable : variables_.global()) {
    if (job.inherit.all_variables ||
        std::find(wanted.begin(), wanted.end(), variable.name) != wanted.end()) {
      set.Put(variable);
    }
  }
  set.PutAll(job.variables);
  if (rule != nullptr) set.PutAll(rule->variables);
  variable_bytes_ += set.bytes();
  return set.variables();
}

}  // namespace grange::pipeline
