#include "coordinator/pipeline/planner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/decide.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/needs_circle.h"
#include "coordinator/pipeline/rule_needs.h"

namespace grange::pipeline {

Planner::Planner(const FileDraft& file, const StageList& stages, const TriggerFacts& facts,
                 const config::SourceTree& tree, ParseContext& context)
    : file_(file),
      stages_(stages),
      facts_(facts),
      context_(context),
      problems_(context.problems),
      paths_(tree, context.problems),
      variables_(file, facts) {
  for (size_t i = 0; i < file.jobs.size(); ++i) index_[file.jobs[i].name] = i;
}

void Planner::Run(CompileResult& result) {
  PipelineGraph graph;
  graph.auto_cancel = file_.auto_cancel.value_or(AutoCancel());
  if (DecideWorkflow(result.decisions, graph)) {
    graph.name = variables_.OfWorkflow().Shown().ExpandName(file_.workflow_name).value_or("");
    DecideJobs(result.decisions);
    CheckNeededJobsAreIn(result.decisions);
    CheckCirclesOfRules();
    if (!problems_.has_errors()) BuildJobs(graph);
  }
  result.not_runnable = NotRunnable(!graph.jobs.empty());
  graph.variables = variables_.global();
  if (problems_.has_errors()) {
    result.not_creatable = true;
    return;
  }
  result.graph = std::move(graph);
}

bool Planner::DecideWorkflow(std::vector<JobDecision>& decisions, PipelineGraph& graph) {
  if (!file_.has_workflow_rules) return true;
  const RuleDecision decision =
      DecideByRules(file_.workflow_rules, {}, "workflow:rules", variables_.OfWorkflow(),
                    context_.patterns, paths_, problems_);
  if (decision.in) {
    variables_.SetWorkflow(decision.rule->variables);
    graph.auto_cancel = decision.rule->auto_cancel.value_or(graph.auto_cancel);
    return true;
  }
  for (const JobDraft& job : file_.jobs) {
    const config::Place place = decision.rule == nullptr ? job.place : decision.place;
    decisions.push_back(
        {job.name, false, place.Span(), absl::StrCat("there is no pipeline: ", decision.reason),
         {}, {}});
  }
  return false;
}

void Planner::DecideJobs(std::vector<JobDecision>& decisions) {
  chosen_.reserve(file_.jobs.size());
  decisions.reserve(file_.jobs.size());
  for (const JobDraft& job : file_.jobs) {
    const PipelineVariables::OfOneJob layers = variables_.LayersOf(job, nullptr);
    const Scope scope = variables_.OfJob(layers);
    const RuleDecision decision = job.rules.has_value()
                                      ? DecideByRules(*job.rules, job.rules_place, "rules", scope,
                                                      context_.patterns, paths_, problems_)
                                      : DecideByFilters(job, file_.has_workflow_rules, facts_,
                                                        scope, context_.patterns, paths_);
    chosen_.push_back({decision.in, decision.rule});
    JobDecision& noted = decisions.emplace_back();
    noted = {job.name, decision.in, decision.place.Span(), decision.reason, {}, {}};
    for (const std::string& name : decision.looked_at) {
      const std::string* value = scope.Find(name);
      noted.looked_at.emplace_back(
          name, value == nullptr ? std::nullopt : std::optional<std::string>(*value));
    }
    for (const Origin& origin : job.origins) {
      noted.origins.push_back({origin.keyword, origin.place.Span(), origin.from_default});
    }
  }
}

void Planner::CheckNeededJobsAreIn(const std::vector<JobDecision>& decisions) {
  for (size_t i = 0; i < file_.jobs.size(); ++i) {
    const JobDraft& job = file_.jobs[i];
    const std::vector<NeedDraft>* needs = NeedsWith(job, chosen_[i].rule);
    if (!chosen_[i].in || needs == nullptr) continue;
    for (const NeedDraft& need : *needs) {
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

void Planner::CheckCirclesOfRules() {
  bool any_of_rules = false;
  std::vector<const std::vector<NeedDraft>*> needs;
  needs.reserve(file_.jobs.size());
  for (size_t i = 0; i < file_.jobs.size(); ++i) {
    const auto& [in, rule] = chosen_[i];
    needs.push_back(in ? NeedsWith(file_.jobs[i], rule) : nullptr);
    any_of_rules = any_of_rules || (in && rule != nullptr && rule->needs.has_value());
  }
  if (any_of_rules) CheckNeedsCircles(file_.jobs, needs, problems_);
}

bool Planner::IsIn(const std::string& name) const {
  const auto it = index_.find(name);
  return it != index_.end() && chosen_[it->second].in;
}

void Planner::BuildJobs(PipelineGraph& graph) {
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
  JobPlanner planner(variables_, problems_);
  const auto is_in = [this](const std::string& name) { return IsIn(name); };
  graph.jobs.reserve(order.size());
  for (const size_t i : order) {
    const std::string stage = StageOf(file_.jobs[i]);
    if (graph.stages.empty() || graph.stages.back() != stage) graph.stages.push_back(stage);
    JobPlan plan = planner.Plan(file_.jobs[i], chosen_[i].rule, is_in);
    plan.stage = stage;
    plan.stage_index = static_cast<int>(graph.stages.size()) - 1;
    graph.jobs.push_back(std::move(plan));
    if (planner.variable_bytes() > kPlanVariableBytesMax) {
      problems_.Error(file_.jobs[i].place,
                      absl::StrCat("the variables of all jobs have more than ",
                                   kPlanVariableBytesMax, " bytes together; make them smaller"));
      return;
    }
  }
}

std::vector<config::Diagnostic> Planner::NotRunnable(bool any_job) const {
  std::vector<config::Diagnostic> found;
  const auto add = [&found](const KeywordUse& use, const std::string& about) {
    found.push_back({use.place.Span(), config::Diagnostic::Severity::kError,
                     absl::StrCat(about, "'", use.keyword, "' can't be run yet; remove it, or ",
                                  "leave the job out of this pipeline")});
  };
  if (any_job) {
    for (const KeywordUse& use : file_.later) add(use, "");
  }
  for (size_t i = 0; any_job && i < file_.jobs.size(); ++i) {
    if (!chosen_[i].in) continue;
    for (const KeywordUse& use : file_.jobs[i].later) {
      add(use, absl::StrCat("job '", file_.jobs[i].name, "': "));
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace grange::pipeline
