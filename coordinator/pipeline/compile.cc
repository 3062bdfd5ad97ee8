#include "coordinator/pipeline/compile.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/text/expand.h"
#include "coordinator/config/merged_config.h"
#include "coordinator/pipeline/decide.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/environment.h"
#include "coordinator/pipeline/file_reader.h"
#include "coordinator/pipeline/include_rules.h"
#include "coordinator/pipeline/input_texts.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/needs_check.h"
#include "coordinator/pipeline/parallel.h"
#include "coordinator/pipeline/parse_context.h"
#include "coordinator/pipeline/problems.h"
#include "coordinator/pipeline/scope.h"
#include "coordinator/pipeline/slug.h"
#include "coordinator/pipeline/stage_list.h"
#include "coordinator/pipeline/variable_set.h"

namespace grange::pipeline {
namespace {

// Names and tags after the variables in them were replaced.
constexpr size_t kExpandedNameMax = 255;

// From the drafts of a file to the plan of one pipeline: which jobs are in, and with what.
class Planner {
 public:
  Planner(const FileDraft& file, const StageList& stages, const TriggerFacts& facts,
          const config::SourceTree& tree, ParseContext& context)
      : file_(file),
        stages_(stages),
        facts_(facts),
        context_(context),
        problems_(context.problems),
        paths_(tree, context.problems),
        predefined_(LayerOf(PredefinedVariables(facts))),
        global_(LayerOf(file.variables)),
        project_(LayerOf(facts.project_variables)),
        pipeline_(LayerOf(facts.pipeline_variables)) {
    for (size_t i = 0; i < file.jobs.size(); ++i) index_[file.jobs[i].name] = i;
    global_variables_.PutAll(file.variables);
  }

  // The graph, unless the pipeline can't be created: then the reasons are among the problems.
  void Run(CompileResult& result) {
    PipelineGraph graph;
    if (DecideWorkflow(result.decisions)) {
      graph.name = ExpandName(file_.workflow_name, WorkflowScope()).value_or("");
      DecideJobs(result.decisions);
      CheckNeededJobsAreIn(result.decisions);
      if (!problems_.has_errors()) BuildJobs(graph);
      if (!graph.jobs.empty()) result.not_runnable = NotRunnable();
    }
    graph.variables = global_variables_.variables();
    if (problems_.has_errors()) {
      result.not_creatable = true;
      return;
    }
    result.graph = std::move(graph);
  }

 private:
  struct Chosen {
    bool in = false;
    const Rule* rule = nullptr;
  };

  Scope WorkflowScope() const {
    return Scope({&pipeline_, &project_, &workflow_, &global_, &predefined_});
  }

  // False if there is no pipeline at all: then no job is in, for the same reason.
  bool DecideWorkflow(std::vector<JobDecision>& decisions) {
    if (!file_.has_workflow_rules) return true;
    const RuleDecision decision =
        DecideByRules(file_.workflow_rules, {}, "workflow:rules", WorkflowScope(),
                      context_.patterns, paths_, problems_);
    if (decision.in) {
      workflow_ = LayerOf(decision.rule->variables);
      global_variables_.PutAll(decision.rule->variables);
      return true;
    }
    for (const JobDraft& job : file_.jobs) {
      const config::Place place = decision.rule == nullptr ? job.place : decision.place;
      decisions.push_back(
          {job.name, false, place.Span(), absl::StrCat("there is no pipeline: ", decision.reason)});
    }
    return false;
  }

  void DecideJobs(std::vector<JobDecision>& decisions) {
    chosen_.reserve(file_.jobs.size());
    decisions.reserve(file_.jobs.size());
    for (const JobDraft& job : file_.jobs) {
      const VariableLayer own = LayerOfJob(job);
      const Scope scope({&pipeline_, &project_, &own, &workflow_, &global_, &predefined_});
      const RuleDecision decision = job.rules.has_value()
                                        ? DecideByRules(*job.rules, job.rules_place, "rules", scope,
                                                        context_.patterns, paths_, problems_)
                                        : DecideByFilters(job, file_.has_workflow_rules, facts_,
                                                          scope, context_.patterns, paths_);
      chosen_.push_back({decision.in, decision.rule});
      decisions.push_back({job.name, decision.in, decision.place.Span(), decision.reason});
    }
  }

  VariableLayer LayerOfJob(const JobDraft& job) const {
    VariableLayer own = LayerOf(job.variables);
    own.try_emplace("CI_JOB_NAME", job.name);
    own.try_emplace("CI_JOB_NAME_SLUG", Slug(job.name));
    own.try_emplace("CI_JOB_STAGE", StageOf(job));
    own.try_emplace("CI_NODE_TOTAL", "1");
    return own;
  }

  static std::string StageOf(const JobDraft& job) {
    return job.stage.has_value() ? job.stage->name : std::string(kDefaultStage);
  }

  void CheckNeededJobsAreIn(const std::vector<JobDecision>& decisions) {
    for (size_t i = 0; i < file_.jobs.size(); ++i) {
      const JobDraft& job = file_.jobs[i];
      if (!chosen_[i].in || !job.needs.has_value()) continue;
      for (const NeedDraft& need : *job.needs) {
        const auto it = index_.find(need.need.job);
        if (need.need.optional || chosen_[it->second].in) continue;
        problems_.Error(
            need.place,
            absl::StrCat("job '", job.name, "' needs '", need.need.job,
                         "', which is not in this pipeline (", decisions[it->second].reason,
                         "); give both the same rules, or add 'optional: true' to the need"));
      }
    }
  }

  bool IsIn(const std::string& name) const {
    const auto it = index_.find(name);
    return it != index_.end() && chosen_[it->second].in;
  }

  void BuildJobs(PipelineGraph& graph) {
    std::vector<size_t> order;
    bool any_between = false;  // a job in a stage other than .pre and .post
    for (size_t i = 0; i < file_.jobs.size(); ++i) {
      if (!chosen_[i].in) continue;
      order.push_back(i);
      const std::string stage = StageOf(file_.jobs[i]);
      any_between = any_between || (stage != kPreStage && stage != kPostStage);
    }
    if (order.empty()) return;
    if (!any_between) {
      problems_.Warning(file_.jobs[order.front()].place,
                        "only jobs in '.pre' and '.post' are left: there is no pipeline");
      return;
    }
    const auto stage_index = [&](size_t i) { return *stages_.Find(StageOf(file_.jobs[i])); };
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return stage_index(a) < stage_index(b); });
    graph.jobs.reserve(order.size());
    for (const size_t i : order) {
      const std::string stage = StageOf(file_.jobs[i]);
      if (graph.stages.empty() || graph.stages.back() != stage) graph.stages.push_back(stage);
      JobPlan plan = BuildJob(file_.jobs[i], chosen_[i].rule);
      plan.stage = stage;
      plan.stage_index = static_cast<int>(graph.stages.size()) - 1;
      graph.jobs.push_back(std::move(plan));
      if (plan_bytes_ > kPlanVariableBytesMax) {
        problems_.Error(file_.jobs[i].place,
                        absl::StrCat("the variables of all jobs have more than ",
                                     kPlanVariableBytesMax, " bytes together; make them smaller"));
        return;
      }
    }
  }

  JobPlan BuildJob(const JobDraft& job, const Rule* rule) {
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
    plan.needs = NeedsOf(job);
    plan.dependencies = DependenciesOf(job);
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

  std::optional<std::vector<Need>> NeedsOf(const JobDraft& job) const {
    if (!job.needs.has_value()) return std::nullopt;
    std::vector<Need> needs;
    for (const NeedDraft& need : *job.needs) {
      if (IsIn(need.need.job)) needs.push_back(need.need);
    }
    return needs;
  }

  std::optional<std::vector<std::string>> DependenciesOf(const JobDraft& job) const {
    if (!job.dependencies.has_value()) return std::nullopt;
    std::vector<std::string> names;
    for (const Named& dependency : *job.dependencies) {
      if (IsIn(dependency.name)) names.push_back(dependency.name);
    }
    return names;
  }

  // What of the file and of the jobs that are in can't be run yet.
  std::vector<config::Diagnostic> NotRunnable() const {
    std::vector<config::Diagnostic> found;
    const auto add = [&found](const KeywordUse& use, const std::string& about) {
      found.push_back({use.place.Span(), config::Diagnostic::Severity::kError,
                       absl::StrCat(about, "'", use.keyword, "' can't be run yet; remove it, or ",
                                    "leave the job out of this pipeline")});
    };
    for (const KeywordUse& use : file_.later) add(use, "");
    for (size_t i = 0; i < file_.jobs.size(); ++i) {
      if (!chosen_[i].in) continue;
      for (const KeywordUse& use : file_.jobs[i].later) {
        add(use, absl::StrCat("job '", file_.jobs[i].name, "': "));
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  std::vector<std::string> TagsOf(const JobDraft& job, const Rule* rule) {
    if (!job.tags.has_value()) return {};
    std::vector<std::string> tags;
    const VariableLayer of_rule = rule == nullptr ? VariableLayer() : LayerOf(rule->variables);
    const VariableLayer own = LayerOfJob(job);
    const Scope scope({&pipeline_, &project_, &of_rule, &own, &workflow_, &global_, &predefined_});
    for (const std::string& tag : *job.tags) {
      std::optional<std::string> expanded = ExpandName(tag, scope);
      if (!expanded.has_value()) {
        problems_.Error(job.place, absl::StrCat("job '", job.name, "': a tag has at most ",
                                                kExpandedNameMax, " bytes"));
      } else if (std::find(tags.begin(), tags.end(), *expanded) == tags.end()) {
        tags.push_back(*std::move(expanded));
      }
    }
    return tags;
  }

  void AddEnvironment(const JobDraft& job, const Rule* rule, JobPlan& plan) {
    if (!job.environment.has_value()) return;
    const Environment& environment = *job.environment;
    const VariableLayer of_rule = rule == nullptr ? VariableLayer() : LayerOf(rule->variables);
    const VariableLayer own = LayerOfJob(job);
    const Scope scope({&pipeline_, &project_, &of_rule, &own, &workflow_, &global_, &predefined_});
    plan.environment = ExpandName(environment.name, scope).value_or(environment.name);
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
        environment.tier.empty() ? std::string(EnvironmentTier(plan.environment))
                                 : environment.tier,
        false);
    if (!environment.url.empty()) add("CI_ENVIRONMENT_URL", environment.url, true);
  }

  // nullopt if the result is longer than a name may be.
  static std::optional<std::string> ExpandName(const std::string& name, const Scope& scope) {
    if (name.size() > kExpandedNameMax) return std::nullopt;
    if (!absl::StrContains(name, '$')) return name;
    bool too_long = false;
    std::string expanded = text::Expand(
        name,
        [&](absl::string_view variable) -> std::optional<std::string> {
          const std::string* value = scope.Find(variable);
          if (value == nullptr) return std::nullopt;
          too_long = too_long || value->size() > kExpandedNameMax;
          return too_long ? "" : *value;
        },
        text::Unknown::kKeep);
    if (too_long || expanded.size() > kExpandedNameMax) return std::nullopt;
    return expanded;
  }

  std::vector<Variable> VariablesOf(const JobDraft& job, const Rule* rule) {
    VariableSet set;
    const std::vector<std::string>& wanted = job.inherit.variables;
    for (const Variable& variable : global_variables_.variables()) {
      if (job.inherit.all_variables ||
          std::find(wanted.begin(), wanted.end(), variable.name) != wanted.end()) {
        set.Put(variable);
      }
    }
    set.PutAll(job.variables);
    if (rule != nullptr) set.PutAll(rule->variables);
    plan_bytes_ += set.bytes();
    return set.variables();
  }

  const FileDraft& file_;
  const StageList& stages_;
  const TriggerFacts& facts_;
  ParseContext& context_;
  Problems& problems_;
  PathConditions paths_;
  const VariableLayer predefined_;
  const VariableLayer global_;
  const VariableLayer project_;
  const VariableLayer pipeline_;
  VariableLayer workflow_;
  VariableSet global_variables_;  // with those of the workflow rule that matched
  absl::flat_hash_map<absl::string_view, size_t> index_;
  std::vector<Chosen> chosen_;  // by job
  size_t plan_bytes_ = 0;
};

StageList StagesOf(const FileDraft& file) {
  if (!file.stages.has_value()) return StageList();
  std::vector<std::string> names;
  for (const Named& stage : *file.stages) names.push_back(stage.name);
  return StageList(names);
}

void CheckStages(const FileDraft& file, const StageList& stages, Problems& problems) {
  for (const JobDraft& job : file.jobs) {
    if (!job.stage.has_value()) {
      if (!stages.Find(kDefaultStage).has_value()) {
        problems.Error(job.place, absl::StrCat("job '", job.name, "' has no 'stage', and 'stages' ",
                                               "has no '", kDefaultStage,
                                               "', in which it would be; add one of the two"));
      }
    } else if (!stages.Find(job.stage->name).has_value()) {
      problems.Error(job.stage->place,
                     absl::StrCat("job '", job.name, "' is in stage '", job.stage->name,
                                  "', which does not exist",
                                  problems.DidYouMean(job.stage->name, stages.names())));
    }
  }
}

void AddIncludeChains(const config::MergedConfig& config,
                      std::vector<config::Diagnostic>& diagnostics) {
  for (config::Diagnostic& diagnostic : diagnostics) {
    diagnostic.included_from = config.IncludedFrom(diagnostic.place.file);
  }
}

}  // namespace

CompileResult Compile(const config::SourceFile& root, const config::SourceTree& tree,
                      const TriggerFacts& facts) {
  CompileResult result;
  Problems problems;
  IncludeRules include_rules(facts, tree, problems);
  const std::vector<config::InputText> inputs = ReadInputTexts(facts.inputs, root.name, problems);
  config::MergedConfig& config = result.config;
  if (!problems.has_errors()) config = config::LoadConfig(root, tree, include_rules, inputs);
  problems.AddAll(std::move(config.diagnostics));
  if (config.root != nullptr) {
    FileDraft file;
    ParseContext context(file, problems);
    ReadConfiguration(*config.root, context);
    ExpandParallel(file.jobs, problems);
    const StageList stages = StagesOf(file);
    CheckStages(file, stages, problems);
    CheckNeeds(file.jobs, stages, problems);
    if (!problems.has_errors()) Planner(file, stages, facts, tree, context).Run(result);
  }
  result.diagnostics = std::move(problems).Take();
  AddIncludeChains(config, result.diagnostics);
  AddIncludeChains(config, result.not_runnable);
  return result;
}

}  // namespace grange::pipeline
