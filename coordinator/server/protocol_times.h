#ifndef GRANGE_COORDINATOR_SERVER_PROTOCOL_TIMES_H_
#define GRANGE_COORDINATOR_SERVER_PROTOCOL_TIMES_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/lease_grace.h"
#include "coordinator/schedule/scheduler.h"
#include "coordinator/session/session_hub.h"

namespace grange::server {

// Whether the times of the agent protocol (docs/formats/agent-protocol.md, §4 and §5) fit each other.
// kInvalidArgument names the options that don't and says what would. Above all: an attempt is given up
// only when no agent can still think that it has the right to run it.
absl::Status CheckTimes(const schedule::SchedulerOptions& scheduler,
                        const session::SessionOptions& sessions,
                        absl::Duration lease_grace = kLeaseGrace);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_PROTOCOL_TIMES_H_
