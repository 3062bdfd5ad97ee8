#ifndef GRANGE_COORDINATOR_PIPELINE_PARALLEL_H_
#define GRANGE_COORDINATOR_PIPELINE_PARALLEL_H_

#include <vector>

#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// Puts the instances of each job with `parallel` in its place, under the names that GitLab gives
// them ("test 1/3", "test: [linux, 9]"), with CI_NODE_INDEX, CI_NODE_TOTAL and their row of the
// matrix among their variables. What needs or depends on such a job then names its instances: all
// of them, or those of `needs:parallel:matrix`, in which `$[[ matrix.NAME ]]` is the instance's own
// value of NAME.
void ExpandParallel(std::vector<JobDraft>& jobs, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_PARALLEL_H_
