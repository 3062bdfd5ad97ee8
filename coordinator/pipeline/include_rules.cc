#include "coordinator/pipeline/include_rules.h"

#include <optional>
#include <vector>

#include "common/text/expand.h"
#include "coordinator/pipeline/decide.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {

IncludeRules::IncludeRules(const TriggerFacts& facts, const config::SourceTree& tree,
                           Problems& problems)
    : context_(nothing_, problems),
      paths_(tree, problems),
      predefined_(LayerOf(PredefinedVariables(facts))),
      project_(LayerOf(facts.project_variables)),
      pipeline_(LayerOf(facts.pipeline_variables)),
      scope_({&pipeline_, &project_, &predefined_}) {}

std::string IncludeRules::Expand(absl::string_view text) const { return scope_.Expand(text); }

bool IncludeRules::Allows(const config::Entry& rules) {
  if (rules.value->IsNull()) return true;
  const std::vector<Rule> read = ReadIncludeRules(context_, rules);
  return DecideByRules(read, rules.key_place, "include:rules", scope_, context_.patterns, paths_,
                       context_.problems)
      .in;
}

}  // namespace grange::pipeline
