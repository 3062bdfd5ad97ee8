#ifndef GRANGE_COORDINATOR_SESSION_TRACE_STREAM_H_
#define GRANGE_COORDINATOR_SESSION_TRACE_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "coordinator/session/session_hub.h"
#include "grange/v1/agent.pb.h"

namespace grange::session {

// The reactor of a new trace stream. It belongs to gRPC and deletes itself in OnDone().
grpc::ServerBidiReactor<v1::TraceMsg, v1::TraceReply>* NewTraceStream(
    SessionHub& hub, grpc::CallbackServerContext& context);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_TRACE_STREAM_H_
