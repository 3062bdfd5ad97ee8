#ifndef GRANGE_COORDINATOR_PIPELINE_NEEDS_CHECK_H_
#define GRANGE_COORDINATOR_PIPELINE_NEEDS_CHECK_H_

#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"
#include "coordinator/pipeline/stage_list.h"

namespace grange::pipeline {

// Checks `needs` and `dependencies` of all jobs against each other: unknown and later jobs, a job
// that needs itself, circles, dependencies outside `needs`. What rules leave out is not known here;
// nor are circles that only the needs of rules make.
void CheckNeeds(const std::vector<JobDraft>& jobs, const StageList& stages, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_NEEDS_CHECK_H_
