#ifndef GRANGE_COORDINATOR_PIPELINE_DECIDE_H_
#define GRANGE_COORDINATOR_PIPELINE_DECIDE_H_

#include <optional>
#include <string>
#include <vector>

#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/path_conditions.h"
#include "coordinator/pipeline/problems.h"
#include "coordinator/pipeline/scope.h"

namespace grange::pipeline {

// Which rule of a list decides, and what it says.
struct RuleDecision {
  bool in = false;
  const Rule* rule = nullptr;  // the one that matched; nullptr if none did
  config::Place place;         // of that rule, or of the list
  std::string reason;
  // The variables whose values were asked for until it was decided, each once, in order.
  std::vector<std::string> looked_at;
};

// The first rule that matches decides; none means out. `keyword` is for the reason: "rules".
RuleDecision DecideByRules(const std::vector<Rule>& rules, const config::Place& place,
                           absl::string_view keyword, const Scope& scope, PatternCache& patterns,
                           PathConditions& paths, Problems& problems);

// By `only` and `except`, or by what holds for a job that has neither.
RuleDecision DecideByFilters(const JobDraft& job, bool has_workflow_rules,
                             const TriggerFacts& facts, const Scope& scope, PatternCache& patterns,
                             PathConditions& paths);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_DECIDE_H_
