#ifndef GRANGE_COORDINATOR_PIPELINE_NEEDS_CIRCLE_H_
#define GRANGE_COORDINATOR_PIPELINE_NEEDS_CIRCLE_H_

#include <vector>

#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// Reports jobs that need themselves through others. `needs` has those of each job, or nullptr;
// names that are no job's are skipped, and so is a job that needs itself, which is reported
// elsewhere.
void CheckNeedsCircles(const std::vector<JobDraft>& jobs,
                       const std::vector<const std::vector<NeedDraft>*>& needs, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_NEEDS_CIRCLE_H_
