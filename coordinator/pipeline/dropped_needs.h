#ifndef GRANGE_COORDINATOR_PIPELINE_DROPPED_NEEDS_H_
#define GRANGE_COORDINATOR_PIPELINE_DROPPED_NEEDS_H_

#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// Warns of a job that needs another whose conditions keep it out of some pipeline that the first is
// in, and which so can't be made. Tried are the usual events with the variables of `facts`, and
// with no file changed. For files without errors.
void WarnOfDroppedNeeds(const FileDraft& file, const TriggerFacts& facts, PatternCache& patterns,
                        Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_DROPPED_NEEDS_H_
