#ifndef GRANGE_COORDINATOR_PIPELINE_INCLUDE_RULES_H_
#define GRANGE_COORDINATOR_PIPELINE_INCLUDE_RULES_H_

#include <map>
#include <memory>
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
  ~IncludeRules() override;

  std::string Expand(absl::string_view text) const override;
  bool Allows(const config::Entry& rules, const config::IncludingFile& file) override;
  absl::StatusOr<bool> Holds(absl::string_view condition,
                             const config::InputValues& inputs) const override;

 private:
  struct Repository;

  // The files that `exists` looks at: those of the including file's repository.
  PathConditions& PathsOf(const config::Origin& origin);

  const config::SourceTree& tree_;
  FileDraft nothing_;
  ParseContext context_;
  std::map<config::Origin, std::unique_ptr<Repository>> repositories_;
  const VariableLayer predefined_, project_, pipeline_;
  const Scope scope_;
  const Scope no_variables_;  // of files that belong to no repository
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_INCLUDE_RULES_H_
