#ifndef GRANGE_COORDINATOR_SESSION_TRACE_STREAM_H_
#define GRANGE_COORDINATOR_SESSION_TRACE_STREAM_H_

#include "coordinator/session/async_stream.h"
#include "coordinator/session/session_hub.h"

namespace grange::session {

class AgentService;

// Accepts trace streams until the server stops.
void AcceptTraceStreams(AgentService& service, SessionHub& hub, StreamThreads& threads);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_TRACE_STREAM_H_
