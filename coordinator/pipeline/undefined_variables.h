#ifndef GRANGE_COORDINATOR_PIPELINE_UNDEFINED_VARIABLES_H_
#define GRANGE_COORDINATOR_PIPELINE_UNDEFINED_VARIABLES_H_

#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// Warns of variables that are used and defined nowhere: not in the files, not by `facts`, not by
// GitLab for any event. In a name that the compiler works out each of them is surely wrong, as the
// `$NAME` stays; in a condition an undefined variable is a usual thing, null unless somebody gives
// it, so only those are named that look like a slip of the hand. Each name once.
void WarnOfUndefinedVariables(const FileDraft& file, const TriggerFacts& facts, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_UNDEFINED_VARIABLES_H_
