#ifndef GRANGE_COORDINATOR_SERVER_REMOVED_ARTIFACTS_H_
#define GRANGE_COORDINATOR_SERVER_REMOVED_ARTIFACTS_H_

#include <vector>

#include "absl/status/status.h"
#include "coordinator/server/pipeline_book.h"
#include "coordinator/store/store.h"

namespace grange::server {

// The artifacts that a job gets: those of `needs` (artifacts: true), narrowed by `dependencies`; else
// those of all earlier stages. In stage order, then file order: later jobs' files lie over earlier
// ones'. `artifacts` are those of its pipeline.
std::vector<const store::ArtifactRow*> ArtifactsFor(
    const PipelineFacts& facts, const pipeline::JobPlan& plan,
    const std::vector<store::ArtifactRow>& artifacts);

// kFailedPrecondition, naming the day, the limit and what to do, if retention has removed an
// artifact that the job gets.
absl::Status CheckArtifacts(const PipelineFacts& facts, const pipeline::JobPlan& plan,
                            const std::vector<store::ArtifactRow>& artifacts);

// The same for a request of a person (RetryJob, PlayJob, RetryPipeline) in this pipeline: nothing is
// begun then.
absl::Status CheckArtifactsOf(store::Store& store, const schedule::Event& request,
                              const store::PipelineRow& pipeline);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_REMOVED_ARTIFACTS_H_
