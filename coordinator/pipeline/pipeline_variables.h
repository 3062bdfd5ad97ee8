#ifndef GRANGE_COORDINATOR_PIPELINE_PIPELINE_VARIABLES_H_
#define GRANGE_COORDINATOR_PIPELINE_PIPELINE_VARIABLES_H_

#include <optional>
#include <string>
#include <vector>

#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/scope.h"
#include "coordinator/pipeline/variable_set.h"

namespace grange::pipeline {

// The variables of one pipeline that its conditions and names may refer to. Scopes point into it
// and into the layers that they are given, which must live as long.
class PipelineVariables {
 public:
  PipelineVariables(const FileDraft& file, const TriggerFacts& facts);

  // Those of the `workflow` rule that matched: above the global ones, below a job's.
  void SetWorkflow(const std::vector<Variable>& variables);

  Scope OfWorkflow() const;

  // What a scope of one job needs beside this; the scope points into it.
  struct OfOneJob {
    VariableLayer rule;                      // of the rule that matched
    VariableLayer own;                       // LayerOfJob()
    std::optional<VariableLayer> inherited;  // if the job doesn't take over all global ones
  };
  // `rule` is the one that matched, or nullptr.
  OfOneJob LayersOf(const JobDraft& job, const Rule* rule) const;
  Scope OfJob(const OfOneJob& layers) const;

  // The global ones with those of the workflow, as jobs inherit them.
  const std::vector<Variable>& global() const { return inherited_.variables(); }

 private:
  const VariableLayer predefined_;
  const VariableLayer global_;
  const VariableLayer project_;
  const VariableLayer pipeline_;
  VariableLayer workflow_;
  VariableSet inherited_;
};

// The variables that the job defines, and those that follow from its name and stage.
VariableLayer LayerOfJob(const JobDraft& job);

// The name of its stage, written or not.
std::string StageOf(const JobDraft& job);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_PIPELINE_VARIABLES_H_
