#ifndef GRANGE_COORDINATOR_PIPELINE_VARIABLE_CIRCLES_H_
#define GRANGE_COORDINATOR_PIPELINE_VARIABLE_CIRCLES_H_

#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// Reports variables of the file whose values go round in a circle: those at its top among
// themselves, those of each job with the ones at the top below them.
void CheckVariableCircles(const FileDraft& file, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_VARIABLE_CIRCLES_H_
