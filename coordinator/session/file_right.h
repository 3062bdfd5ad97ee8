#ifndef GRANGE_COORDINATOR_SESSION_FILE_RIGHT_H_
#define GRANGE_COORDINATOR_SESSION_FILE_RIGHT_H_

#include "absl/status/status.h"
#include "common/base/id.h"
#include "coordinator/session/trace_gate.h"
#include "coordinator/store/store.h"

namespace grange::session {

// Whether the agent may store and fetch files for this attempt now. kPermissionDenied if the
// attempt is not its any more. kUnavailable if it is, by the rows, and only the gate is not open:
// after its start the coordinator opens it with the agent's first Hello, and an upload may come
// before that one; it must not fail the job. Reads the database if the gate is closed. Any thread.
absl::Status CheckFileRight(const TraceGate& gate, store::Store& store,
                            const Assignment& assignment, AgentId agent);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_FILE_RIGHT_H_
