#ifndef GRANGE_COORDINATOR_PIPELINE_JOB_CHECK_H_
#define GRANGE_COORDINATOR_PIPELINE_JOB_CHECK_H_

#include "absl/strings/string_view.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/parse_context.h"

namespace grange::pipeline {

// Checks the keywords that a job was written with against each other: what it runs, and which ones
// can't stand together. `context.job` is the job, without what it takes over from `default`.
void CheckJob(const JobDraft& job, ParseContext& context);

// True for the keywords that a job may have that starts or mirrors another pipeline.
bool MayStandInBridge(absl::string_view keyword);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_JOB_CHECK_H_
