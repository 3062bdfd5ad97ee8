#ifndef GRANGE_COORDINATOR_SERVER_JOB_FEATURES_H_
#define GRANGE_COORDINATOR_SERVER_JOB_FEATURES_H_

#include <string>
#include <vector>

#include "coordinator/pipeline/graph.h"
#include "coordinator/store/store.h"

namespace grange::server {

// What an agent must be able to do for this job beyond what every agent can: names of
// common/rpc/features.h, sorted. A job of which an older agent would pass a limit over shall wait
// for a newer one instead. Settings and variables count as they are now: what is changed later
// changes what the job asks for, not who gets it. Pure.
std::vector<std::string> NeededFeatures(const pipeline::JobPlan& plan,
                                        const store::PipelineRow& row,
                                        const store::Project& project,
                                        const std::vector<store::ProjectVariable>& variables);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_JOB_FEATURES_H_
