#include "coordinator/pipeline/pipeline_variables.h"

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "coordinator/pipeline/slug.h"
#include "coordinator/pipeline/stage_list.h"

namespace grange::pipeline {
namespace {

// Where a variable can come from. Of equal names the group that stands first in kPrecedence wins,
// as in GitLab (docs/variables.md).
enum class VariableGroup { kPipeline, kProject, kRule, kJob, kWorkflow, kGlobal, kPredefined };

constexpr std::array kPrecedence = {
    VariableGroup::kPipeline,    // --var, of a trigger, of a schedule
    VariableGroup::kProject,     // grangectl var set
    VariableGroup::kRule,        // of the job's rule that matched
    VariableGroup::kJob,         // of the job, its matrix, its name
    VariableGroup::kWorkflow,    // of the rule of `workflow` that matched
    VariableGroup::kGlobal,      // at the top of the file
    VariableGroup::kPredefined,  // CI_…
};

Scope ScopeOf(const std::map<VariableGroup, const VariableLayer*>& groups) {
  std::vector<const VariableLayer*> layers;
  for (const VariableGroup group : kPrecedence) {
    const auto found = groups.find(group);
    if (found != groups.end()) layers.push_back(found->second);
  }
  return Scope(std::move(layers));
}

}  // namespace

PipelineVariables::PipelineVariables(const FileDraft& file, const TriggerFacts& facts)
    : predefined_(LayerOf(PredefinedVariables(facts), /*expand=*/false)),
      global_(LayerOf(file.variables)),
      project_(WithMasked(LayerOf(facts.project_variables), facts.masked)),
      pipeline_(LayerOf(facts.pipeline_variables)) {
  inherited_.PutAll(file.variables);
}

void PipelineVariables::SetWorkflow(const std::vector<Variable>& variables) {
  workflow_ = LayerOf(variables);
  inherited_.PutAll(variables);
}

Scope PipelineVariables::OfWorkflow() const {
  return ScopeOf({{VariableGroup::kPipeline, &pipeline_},
                  {VariableGroup::kProject, &project_},
                  {VariableGroup::kWorkflow, &workflow_},
                  {VariableGroup::kGlobal, &global_},
                  {VariableGroup::kPredefined, &predefined_}});
}

PipelineVariables::OfOneJob PipelineVariables::LayersOf(const JobDraft& job,
                                                        const Rule* rule) const {
  OfOneJob layers;
  if (rule != nullptr) layers.rule = LayerOf(rule->variables);
  layers.own = LayerOfJob(job);
  if (job.inherit.all_variables) return layers;
  layers.inherited.emplace();
  for (const std::string& name : job.inherit.variables) {
    for (const VariableLayer* group : {&workflow_, &global_}) {
      const auto found = group->find(name);
      if (found == group->end()) continue;
      layers.inherited->insert(*found);
      break;
    }
  }
  return layers;
}

Scope PipelineVariables::OfJob(const OfOneJob& layers) const {
  const bool all = !layers.inherited.has_value();
  return ScopeOf({{VariableGroup::kPipeline, &pipeline_},
                  {VariableGroup::kProject, &project_},
                  {VariableGroup::kRule, &layers.rule},
                  {VariableGroup::kJob, &layers.own},
                  {VariableGroup::kWorkflow, all ? &workflow_ : nullptr},
                  {VariableGroup::kGlobal, all ? &global_ : &*layers.inherited},
                  {VariableGroup::kPredefined, &predefined_}});
}

VariableLayer LayerOfJob(const JobDraft& job) {
  VariableLayer own = LayerOf(job.variables);
  own.try_emplace("CI_JOB_NAME", LayeredValue{job.name, false});
  own.try_emplace("CI_JOB_GROUP_NAME", LayeredValue{job.name, false});
  own.try_emplace("CI_JOB_NAME_SLUG", LayeredValue{Slug(job.name), false});
  own.try_emplace("CI_JOB_STAGE", LayeredValue{StageOf(job), false});
  own.try_emplace("CI_NODE_TOTAL", LayeredValue{"1", false});
  return own;
}

std::string StageOf(const JobDraft& job) {
  return job.stage.has_value() ? job.stage->name : std::string(kDefaultStage);
}

}  // namespace grange::pipeline
