#include "coordinator/pipeline/job_planner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/text/duration_text.h"
#include "coordinator/pipeline/environment.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/resource_group.h"
#include "coordinator/pipeline/rule_needs.h"
#include "coordinator/pipeline/variable_set.h"

namespace grange::pipeline {
namespace {

std::optional<std::vector<Need>> NeedsOf(const JobDraft& job, const Rule* rule,
                                         JobPlanner::IsIn is_in) {
  const std::vector<NeedDraft>* drafts = NeedsWith(job, rule);
  if (drafts == nullptr) return std::nullopt;
  std::vector<Need> needs;
  for (const NeedDraft& need : *drafts) {
    if (is_in(need.need.job)) needs.push_back(need.need);
  }
  return needs;
}

std::optional<std::vector<std::string>> DependenciesOf(const JobDraft& job, const Rule* rule,
                                                       JobPlanner::IsIn is_in) {
  std::optional<std::vector<std::string>> names = DependenciesWith(job, rule);
  if (names.has_value()) {
    std::erase_if(*names, [&](const std::string& name) { return !is_in(name); });
  }
  return names;
}

// When and how it runs: the rule's word over the job's.
void AddTiming(const JobDraft& job, const Rule* rule, JobPlan& plan) {
  plan.when = job.when.value_or(lifecycle::When::kOnSuccess);
  plan.start_in = job.start_in.value_or(absl::ZeroDuration());
  // Only at job level a manual job may fail; one that a rule made manual blocks.
  plan.allow_failure = job.allow_failure.value_or(
      AllowFailure{.always = job.when == lifecycle::When::kManual, .exit_codes = {}});
  plan.interruptible = job.interruptible.value_or(false);
  if (rule == nullptr) return;
  plan.when = rule->when.value_or(plan.when);
  plan.start_in = rule->start_in.value_or(plan.start_in);
  plan.allow_failure = rule->allow_failure.value_or(plan.allow_failure);
  plan.interruptible = rule->interruptible.value_or(plan.interruptible);
}

void AddScripts(const JobDraft& job, JobPlan& plan) {
  if (job.IsBridge()) return;
  plan.run = job.run.value_or(std::vector<RunStep>());
  if (job.script.has_value()) {
    plan.script = job.before_script.value_or(std::vector<std::string>());
    plan.script.insert(plan.script.end(), job.script->begin(), job.script->end());
  }
  plan.after_script = job.after_script.value_or(std::vector<std::string>());
  plan.pre_get_sources_script = job.pre_get_sources_script.value_or(std::vector<std::string>());
}

// What is taken as it is.
void AddKeywords(const JobDraft& job, JobPlan& plan) {
  plan.timeout = job.timeout;
  plan.retry = job.retry.value_or(lifecycle::RetryPolicy());
  plan.artifacts = job.artifacts;
  plan.coverage = job.coverage.value_or("");
  plan.image = job.image;
  plan.services = job.services.value_or(std::vector<Service>());
  plan.caches = job.caches.value_or(std::vector<Cache>());
  plan.secrets = job.secrets.value_or(std::vector<SecretSource>());
  plan.id_tokens = job.id_tokens.value_or(std::vector<IdToken>());
  plan.identity = job.identity.value_or("");
  plan.release = job.release.value_or(Written());
  plan.manual_confirmation = job.manual_confirmation.value_or("");
  plan.inputs = job.inputs.value_or(std::vector<JobInput>());
}

}  // namespace

// What the names of one job mean, found out only if there is one.
class JobPlanner::Names {
 public:
  Names(const PipelineVariables& variables, const JobDraft& job, const Rule* rule)
      : layers_(variables.LayersOf(job, rule)), scope_(variables.OfJob(layers_).Shown()) {}

  // nullopt if it is too long.
  std::optional<std::string> Expand(const std::string& name) const {
    return scope_.ExpandName(name);
  }

 private:
  const PipelineVariables::OfOneJob layers_;
  const Scope scope_;  // points into them
};

JobPlan JobPlanner::Plan(const JobDraft& job, const Rule* rule, IsIn is_in) {
  JobPlan plan;
  plan.name = job.name;
  plan.place = job.place.Span();
  AddTiming(job, rule, plan);
  AddScripts(job, plan);
  AddKeywords(job, plan);
  plan.needs = NeedsOf(job, rule, is_in);
  plan.dependencies = DependenciesOf(job, rule, is_in);
  plan.variables = VariablesOf(job, rule);
  plan.trigger = job.trigger;
  const bool has_names = job.tags.has_value() || job.environment.has_value() ||
                         job.resource_group.has_value() || job.trigger.has_value() ||
                         !job.external_needs.empty();
  if (!has_names) return plan;
  const Names names(variables_, job, rule);
  plan.tags = TagsOf(job, names);
  AddEnvironment(job, names, plan);
  plan.resource_group = ResourceGroupOf(job, names);
  plan.needs_external = ExternalNeedsOf(job, names);
  if (plan.trigger.has_value()) {
    for (std::string* name : {&plan.trigger->project, &plan.trigger->branch}) {
      *name = names.Expand(*name).value_or(*name);
    }
  }
  return plan;
}

std::vector<std::string> JobPlanner::TagsOf(const JobDraft& job, const Names& names) {
  std::vector<std::string> tags;
  if (!job.tags.has_value()) return tags;
  for (const std::string& tag : *job.tags) {
    std::optional<std::string> expanded = names.Expand(tag);
    if (!expanded.has_value()) {
      problems_.Error(job.place, absl::StrCat("job '", job.name, "': a tag has at most ",
                                              kExpandedNameMax, " bytes"));
    } else if (std::find(tags.begin(), tags.end(), *expanded) == tags.end()) {
      if (absl::StrContains(*expanded, '$') && *expanded == tag) {
        problems_.Warning(job.place, absl::StrCat("job '", job.name, "' has the tag '", tag,
                                                  "', whose variable is defined nowhere: no agent ",
                                                  "will take it"));
      }
      tags.push_back(*std::move(expanded));
    }
  }
  return tags;
}

void JobPlanner::AddEnvironment(const JobDraft& job, const Names& names, JobPlan& plan) {
  if (!job.environment.has_value()) return;
  const Environment& environment = *job.environment;
  plan.environment = names.Expand(environment.name).value_or(environment.name);
  if (const absl::Status named = CheckEnvironmentName(plan.environment); !named.ok()) {
    problems_.Error(environment.place, absl::StrCat("job '", job.name, "': ", named.message()));
    return;
  }
  EnvironmentDetails& details = plan.environment_details.emplace();
  details.url = environment.url;
  details.action = environment.action;
  details.tier =
      environment.tier.empty() ? std::string(EnvironmentTier(plan.environment)) : environment.tier;
  if (environment.on_stop.has_value()) details.on_stop = environment.on_stop->name;
  if (environment.auto_stop_in.has_value()) {
    details.auto_stop_in = AutoStopOf(job, *environment.auto_stop_in, names);
  }
  details.kubernetes = environment.kubernetes;
  const auto add = [&plan](absl::string_view name, std::string value, bool expand) {
    plan.variables.push_back(
        {.name = std::string(name), .value = std::move(value), .expand = expand});
  };
  add("CI_ENVIRONMENT_NAME", plan.environment, false);
  add("CI_ENVIRONMENT_SLUG", EnvironmentSlug(plan.environment), false);
  add("CI_ENVIRONMENT_ACTION", details.action, false);
  add("CI_ENVIRONMENT_TIER", details.tier, false);
  if (!environment.url.empty()) add("CI_ENVIRONMENT_URL", environment.url, true);
}

std::optional<absl::Duration> JobPlanner::AutoStopOf(const JobDraft& job, const Named& text,
                                                     const Names& names) {
  const absl::StatusOr<absl::Duration> duration =
      text::ParseDuration(names.Expand(text.name).value_or(text.name));
  if (duration.ok()) return *duration;
  problems_.Error(text.place, absl::StrCat("job '", job.name, "': 'environment:auto_stop_in': ",
                                           duration.status().message()));
  return std::nullopt;
}

std::string JobPlanner::ResourceGroupOf(const JobDraft& job, const Names& names) {
  if (!job.resource_group.has_value()) return "";
  const Named& written = *job.resource_group;
  std::optional<std::string> name = names.Expand(written.name);
  const absl::Status named = name.has_value()
                                 ? CheckResourceGroup(*name)
                                 : CheckResourceGroup(std::string(kExpandedNameMax + 1, 'x'));
  if (named.ok()) return *std::move(name);
  problems_.Error(written.place, absl::StrCat("job '", job.name, "': ", named.message()));
  return "";
}

std::vector<ExternalNeed> JobPlanner::ExternalNeedsOf(const JobDraft& job, const Names& names) {
  std::vector<ExternalNeed> needs;
  for (const ExternalNeedDraft& draft : job.external_needs) {
    ExternalNeed& need = needs.emplace_back(draft.need);
    for (std::string* name : {&need.pipeline, &need.project, &need.job, &need.ref}) {
      *name = names.Expand(*name).value_or(*name);
    }
  }
  return needs;
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
