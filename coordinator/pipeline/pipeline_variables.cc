#include "coordinator/pipeline/pipeline_variables.h"

#include "coordinator/pipeline/slug.h"
#include "coordinator/pipeline/stage_list.h"

namespace grange::pipeline {

PipelineVariables::PipelineVariables(const FileDraft& file, const TriggerFacts& facts)
    : predefined_(LayerOf(PredefinedVariables(facts))),
      global_(LayerOf(file.variables)),
      project_(LayerOf(facts.project_variables)),
      pipeline_(LayerOf(facts.pipeline_variables)) {
  inherited_.PutAll(file.variables);
}

void PipelineVariables::SetWorkflow(const std::vector<Variable>& variables) {
  workflow_ = LayerOf(variables);
  inherited_.PutAll(variables);
}

Scope PipelineVariables::OfWorkflow() const {
  return Scope({&pipeline_, &project_, &workflow_, &global_, &predefined_});
}

Scope PipelineVariables::OfJob(const VariableLayer& of_rule, const VariableLayer& own) const {
  return Scope({&pipeline_, &project_, &of_rule, &own, &workflow_, &global_, &predefined_});
}

VariableLayer LayerOfJob(const JobDraft& job) {
  VariableLayer own = LayerOf(job.variables);
  own.try_emplace("CI_JOB_NAME", job.name);
  own.try_emplace("CI_JOB_NAME_SLUG", Slug(job.name));
  own.try_emplace("CI_JOB_STAGE", StageOf(job));
  own.try_emplace("CI_NODE_TOTAL", "1");
  return own;
}

std::string StageOf(const JobDraft& job) {
  return job.stage.has_value() ? job.stage->name : std::string(kDefaultStage);
}

}  // namespace grange::pipeline
