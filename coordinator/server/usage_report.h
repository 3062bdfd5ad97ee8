#ifndef GRANGE_COORDINATOR_SERVER_USAGE_REPORT_H_
#define GRANGE_COORDINATOR_SERVER_USAGE_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "coordinator/control/backend.h"
#include "coordinator/session/session_hub.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/store/store.h"
#include "coordinator/sweep/sweeper.h"

namespace grange::server {

// How much there is of each kind and project, beside its limits; and the disk of `state_dir`. Reads
// a few rows, however much there is, and the folders of the mirrors.
absl::StatusOr<control::UsageReport> MakeUsageReport(const std::string& state_dir,
                                                     store::Store& store,
                                                     source::GitMirrors& mirrors,
                                                     const sweep::Sweeper& sweeper);

// What the agents have said they keep, as lines without limits: those are the agents' own. Of an
// agent that hasn't counted yet there are none.
absl::Status AddAgents(store::Store& store, const session::SessionHub& hub,
                       control::UsageReport& report);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_USAGE_REPORT_H_
