#ifndef GRANGE_COORDINATOR_PIPELINE_RULE_NEEDS_H_
#define GRANGE_COORDINATOR_PIPELINE_RULE_NEEDS_H_

#include <optional>
#include <string>
#include <vector>

#include "coordinator/pipeline/draft.h"

namespace grange::pipeline {

// What the job needs in a pipeline: the needs of the rule that matched (or nullptr), if it has any,
// instead of the job's own. nullptr for the order of the stages.
const std::vector<NeedDraft>* NeedsWith(const JobDraft& job, const Rule* rule);

// The job's dependencies that it still can have: with a rule's needs, those of them. Names that the
// rule doesn't need are dropped, as nothing would wait for their artifacts. None if it has none.
std::optional<std::vector<std::string>> DependenciesWith(const JobDraft& job, const Rule* rule);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_RULE_NEEDS_H_
