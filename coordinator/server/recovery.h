#ifndef GRANGE_COORDINATOR_SERVER_RECOVERY_H_
#define GRANGE_COORDINATOR_SERVER_RECOVERY_H_

#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/schedule/event.h"
#include "coordinator/store/store.h"

namespace grange::server {

// Turns the rows back into events: agents first, then the pipelines that are not final, oldest
// first. Given to the core before anything else at start.
absl::StatusOr<std::vector<schedule::Event>> RecoverEvents(store::Store& store);

// One pipeline of the store, as far as it has come: for a retry of one that is final.
absl::StatusOr<schedule::PipelineAdded> RecoverPipeline(store::Store& store, PipelineId id);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_RECOVERY_H_
