#ifndef GRANGE_COORDINATOR_PIPELINE_ON_STOP_CHECK_H_
#define GRANGE_COORDINATOR_PIPELINE_ON_STOP_CHECK_H_

#include <vector>

#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// Checks `environment:on_stop` of all jobs: the job exists, and stops the same environment. Names
// are compared as they are written.
void CheckOnStop(const std::vector<JobDraft>& jobs, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_ON_STOP_CHECK_H_
