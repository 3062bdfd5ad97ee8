#include "coordinator/pipeline/compile.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/config/merged_config.h"
#include "coordinator/pipeline/advice.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/dropped_needs.h"
#include "coordinator/pipeline/file_reader.h"
#include "coordinator/pipeline/include_rules.h"
#include "coordinator/pipeline/input_texts.h"
#include "coordinator/pipeline/needs_check.h"
#include "coordinator/pipeline/on_stop_check.h"
#include "coordinator/pipeline/parallel.h"
#include "coordinator/pipeline/parse_context.h"
#include "coordinator/pipeline/planner.h"
#include "coordinator/pipeline/problems.h"
#include "coordinator/pipeline/stage_list.h"
#include "coordinator/pipeline/undefined_variables.h"
#include "coordinator/pipeline/variable_circles.h"

namespace grange::pipeline {
namespace {

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
    CheckVariableCircles(file, problems);
    CheckOnStop(file.jobs, problems);
    if (!problems.has_errors()) {
      GiveAdvice(file, stages, problems);
      WarnOfUndefinedVariables(file, facts, problems);
      Planner(file, stages, facts, tree, context).Run(result);
      if (result.graph.has_value()) {
        WarnOfDroppedNeeds(file, facts, context.patterns, problems);
      }
    }
  }
  result.diagnostics = std::move(problems).Take();
  AddIncludeChains(config, result.diagnostics);
  AddIncludeChains(config, result.not_runnable);
  return result;
}

}  // namespace grange::pipeline
