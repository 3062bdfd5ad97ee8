#ifndef GRANGE_COORDINATOR_SESSION_MESSAGE_SIZE_H_
#define GRANGE_COORDINATOR_SESSION_MESSAGE_SIZE_H_

#include "absl/status/status.h"
#include "grange/v1/agent.pb.h"

namespace grange::session {

// Whether a message about a job fits into a control message (1 MiB, docs/formats/agent-protocol.md
// §10). One that doesn't must not be sent: it would end the agent's session, again with each new
// one. kInvalidArgument names the sizes in bytes, and what to do.
absl::Status CheckSize(const v1::JobOffer& offer);
absl::Status CheckSize(const v1::JobStart& start);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_MESSAGE_SIZE_H_
