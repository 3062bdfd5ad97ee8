#ifndef GRANGE_COORDINATOR_PIPELINE_JOB_PLANNER_H_
#define GRANGE_COORDINATOR_PIPELINE_JOB_PLANNER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/graph.h"
#include "coordinator/pipeline/pipeline_variables.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// From the draft of a job that is in the pipeline to its plan: the defaults of what it doesn't say,
// what the rule that matched says over it, and the variables in its names replaced.
class JobPlanner {
 public:
  // Says whether the job of a name is in the pipeline.
  using IsIn = absl::FunctionRef<bool(const std::string&)>;

  // Both must outlive the planner.
  JobPlanner(const PipelineVariables& variables, Problems& problems)
      : variables_(variables), problems_(problems) {}

  // All but the stage. `rule` is the one that matched, or nullptr.
  JobPlan Plan(const JobDraft& job, const Rule* rule, IsIn is_in);

  // The bytes of the variables of all plans so far.
  size_t variable_bytes() const { return variable_bytes_; }

 private:
  class Names;

  std::vector<Variable> VariablesOf(const JobDraft& job, const Rule* rule);

  // These replace variables in names, and report what they can't be.
  std::vector<std::string> TagsOf(const JobDraft& job, const Names& names);
  void AddEnvironment(const JobDraft& job, const Names& names, JobPlan& plan);
  std::optional<absl::Duration> AutoStopOf(const JobDraft& job, const Named& text,
                                           const Names& names);
  std::string ResourceGroupOf(const JobDraft& job, const Names& names);
  std::vector<ExternalNeed> ExternalNeedsOf(const JobDraft& job, const Names& names);

  const PipelineVariables& variables_;
  Problems& problems_;
  size_t variable_bytes_ = 0;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_JOB_PLANNER_H_
