#ifndef GRANGE_COORDINATOR_SESSION_TRACE_CHUNK_H_
#define GRANGE_COORDINATOR_SESSION_TRACE_CHUNK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "coordinator/session/session_hub.h"
#include "grange/v1/agent.pb.h"

namespace grange::session {

// What becomes of the stream after a message.
enum class Reading {
  kGoOn,
  kPause,  // until AgentSession::Drained(): the trace store has much of this session
};

// A piece of a job's output that has come on the trace stream of `session`: checked, then queued
// for the trace store. What is wrong with the attempt or the bytes is answered on the session
// (Revoke, TraceResume). An error ends the stream: kInvalidArgument for a chunk that breaks
// docs/formats/agent-protocol.md §7, kUnauthenticated if the agent has a newer session. Never
// blocks; on the stream's thread.
absl::StatusOr<Reading> TakeChunk(SessionHub& hub, const std::shared_ptr<AgentSession>& session,
                                  v1::TraceChunk& chunk);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_TRACE_CHUNK_H_
