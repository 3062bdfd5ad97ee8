#ifndef GRANGE_COORDINATOR_PIPELINE_COMPILE_H_
#define GRANGE_COORDINATOR_PIPELINE_COMPILE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/merged_config.h"
#include "coordinator/config/source_file.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/graph.h"

namespace grange::pipeline {

// Why a pipeline is made; PipelineSourceName() gives the words of CI_PIPELINE_SOURCE.
enum class PipelineSource {
  kPush,
  kSchedule,
  kWeb,
  kApi,
  kMergeRequest,
  kTrigger,
  kParentPipeline
};

absl::string_view PipelineSourceName(PipelineSource source);
// Takes the words of CI_PIPELINE_SOURCE and those of `grangectl --event`.
absl::StatusOr<PipelineSource> ParsePipelineSource(absl::string_view name);

// What is known when the pipeline is made. `variables` by rising precedence of their groups, as
// keywords.md §12: predefined < (the file's own) < project < pipeline.
struct TriggerFacts {
  PipelineSource source = PipelineSource::kPush;
  std::string branch;  // "" for tags and merge requests
  std::string tag;     // "" for branches
  std::string sha;     // full; may be "" in `plan`
  std::string before_sha;
  std::string default_branch = "main";
  std::string project;       // its name, as CI_PROJECT_NAME
  std::string project_path;  // as CI_PROJECT_PATH
  std::string commit_title, commit_message, commit_author, commit_timestamp;
  std::vector<std::pair<std::string, std::string>> predefined;  // further ones; win over derived
  std::vector<std::pair<std::string, std::string>> project_variables;
  std::vector<std::pair<std::string, std::string>> pipeline_variables;
  std::vector<std::string> masked;  // names of project variables that no text may show
  std::vector<std::pair<std::string, std::string>> inputs;  // of the root file: name, JSON text
};

// The predefined variables of a pipeline (CI_COMMIT_*, CI_PIPELINE_SOURCE, CI_PROJECT_*, …) that
// follow from the facts, sorted by name, with `facts.predefined` over them.
std::vector<std::pair<std::string, std::string>> PredefinedVariables(const TriggerFacts& facts);

// Why a job is in or out: for `explain`.
struct JobDecision {
  std::string job;
  bool in = false;
  SourceSpan place;    // of the rule (or only/except) that decided; of the job if none
  std::string reason;  // "rules[1]: `$CI_COMMIT_TAG` holds", "no rule matched", "only: master …"
  // The variables whose values were asked for until it was decided; nullopt: not defined.
  std::vector<std::pair<std::string, std::optional<std::string>>> looked_at;
  // Where each keyword of the job was written, those of parents and defaults too.
  struct KeywordOrigin {
    std::string keyword;
    SourceSpan place;
    bool from_default = false;
  };
  std::vector<KeywordOrigin> origins;
};

struct CompileResult {
  std::optional<PipelineGraph> graph;  // set if there are no errors; may have no jobs
  // All errors and warnings of all files, sorted by place.
  std::vector<config::Diagnostic> diagnostics;
  // What this pipeline has that can't be run yet, each as an error: it can be planned, but a submit
  // of it is refused with these. By place. Also of a pipeline without jobs, if what decides about
  // them can't be asked yet.
  std::vector<config::Diagnostic> not_runnable;
  // True if the files are well-formed but this pipeline can't be created (a needed job was left
  // out by its rules): `plan` fails, `lint` warns. The reasons are errors among `diagnostics`, and
  // there are no others.
  bool not_creatable = false;
  std::vector<JobDecision> decisions;  // all visible jobs, in file order
  // What the files say together, and their texts. Its diagnostics are among those above.
  config::MergedConfig config;
};

// The one entrance of the compiler; pure. Coordinator, lint, plan and explain share it. May need
// 1 MiB of stack. Never throws; hostile input gives diagnostics.
CompileResult Compile(const config::SourceFile& root, const config::SourceTree& tree,
                      const TriggerFacts& facts);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_COMPILE_H_
