#ifndef GRANGE_COORDINATOR_PIPELINE_ADVICE_H_
#define GRANGE_COORDINATOR_PIPELINE_ADVICE_H_

#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"
#include "coordinator/pipeline/stage_list.h"

namespace grange::pipeline {

// Warns of what is allowed and surely not meant, whatever the pipeline is made for: a job that can
// never run; `only` beside jobs with `rules`; a job that runs where nothing before it does, as a
// deploy without its tests; a regex that no text matches. For files without errors.
void GiveAdvice(const FileDraft& file, const StageList& stages, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_ADVICE_H_
