#ifndef GRANGE_COORDINATOR_SESSION_MARK_MESSAGE_H_
#define GRANGE_COORDINATOR_SESSION_MARK_MESSAGE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "coordinator/session/session_hub.h"
#include "coordinator/session/trace_chunk.h"
#include "grange/v1/agent.pb.h"

namespace grange::session {

// What is known of a job's output beside its bytes, as it has come on the trace stream of
// `session`: checked, then queued for the trace store. That of an attempt which is not the agent's
// is dropped without a word: the chunk that goes with it is answered. An error ends the stream:
// kInvalidArgument for a mark that breaks docs/formats/agent-protocol.md §7, kUnauthenticated if
// the agent has a newer session. Never blocks; on the stream's thread.
absl::StatusOr<Reading> TakeMark(SessionHub& hub, const std::shared_ptr<AgentSession>& session,
                                 const v1::TraceMark& message);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_MARK_MESSAGE_H_
