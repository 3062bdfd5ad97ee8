#ifndef GRANGE_COORDINATOR_PIPELINE_INCLUDE_RULES_H_
#define GRANGE_COORDINATOR_PIPELINE_INCLUDE_RULES_H_

#include <string>

#include "coordinator/config/merged_config.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/parse_context.h"
#include "coordinator/pipeline/path_conditions.h"
#include "coordinator/pipeline/scope.h"

namespace grange::pipeline {

// Decides `include` by the variables that exist before any file is read: the predefined ones, those
// of the project, those of the pipeline.
class IncludeRules : public config::IncludeContext {
 public:
  IncludeRules(const TriggerFacts& facts, const config::SourceTree& tree, Problems& problems);

  std::string Expand(absl::string_view text) const override;
  bool Allows(const config::Entry& rules) override;

 private:
  FileDraft nothing_;
  ParseContext context_;
  PathConditions paths_;
  const VariableLayer predefined_, project_, pipeline_;
  const Scope scope_;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_INCLUDE_RULES_H_
