#ifndef GRANGE_COORDINATOR_PIPELINE_PLANNER_H_
#define GRANGE_COORDINATOR_PIPELINE_PLANNER_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/job_planner.h"
#include "coordinator/pipeline/parse_context.h"
#include "coordinator/pipeline/path_conditions.h"
#include "coordinator/pipeline/pipeline_variables.h"
#include "coordinator/pipeline/stage_list.h"

namespace grange::pipeline {

// From the drafts of a file, which has no errors, to the plan of one pipeline: which jobs are in,
// and in which order. What it is given must outlive it.
class Planner {
 public:
  Planner(const FileDraft& file, const StageList& stages, const TriggerFacts& facts,
          const config::SourceTree& tree, ParseContext& context);

  // The graph, unless the pipeline can't be created: then the reasons are among the problems.
  void Run(CompileResult& result);

 private:
  struct Chosen {
    bool in = false;
    const Rule* rule = nullptr;
  };

  // False if there is no pipeline at all: then no job is in, for the same reason.
  bool DecideWorkflow(std::vector<JobDecision>& decisions, PipelineGraph& graph);
  void DecideJobs(std::vector<JobDecision>& decisions);
  void CheckNeededJobsAreIn(const std::vector<JobDecision>& decisions);
  // Those that only the needs of the rules that matched make; others have been found before.
  void CheckCirclesOfRules();
  bool IsIn(const std::string& name) const;
  void BuildJobs(PipelineGraph& graph);
  // What of the file and of the jobs that are in can't be run yet. Without any job in, nothing
  // needs to be run, but what couldn't be decided may have had a part in that.
  std::vector<config::Diagnostic> NotRunnable(bool any_job) const;

  const FileDraft& file_;
  const StageList& stages_;
  const TriggerFacts& facts_;
  ParseContext& context_;
  Problems& problems_;
  PathConditions paths_;
  PipelineVariables variables_;
  absl::flat_hash_map<absl::string_view, size_t> index_;
  std::vector<Chosen> chosen_;  // by job
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_PLANNER_H_
