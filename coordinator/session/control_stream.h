#ifndef GRANGE_COORDINATOR_SESSION_CONTROL_STREAM_H_
#define GRANGE_COORDINATOR_SESSION_CONTROL_STREAM_H_

#include <grpcpp/server_context.h>

#include <string>

#include "coordinator/session/async_stream.h"
#include "coordinator/session/session_hub.h"

namespace grange::session {

class AgentService;

// Accepts control streams until the server stops.
void AcceptControlStreams(AgentService& service, SessionHub& hub, StreamThreads& threads);

// The token of "authorization: Bearer …", or "".
std::string BearerOf(const grpc::ServerContextBase& context);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_CONTROL_STREAM_H_
