#ifndef GRANGE_COORDINATOR_SESSION_GIT_STREAM_H_
#define GRANGE_COORDINATOR_SESSION_GIT_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

#include "coordinator/source/git_mirror.h"
#include "grange/v1/agent.pb.h"

namespace grange::session {

// Pumps bytes between a Git call (docs/formats/git-over-grpc.md) and git's upload-pack or
// receive-pack on a project's mirror until git has ended. Blocks: for synchronous handlers only.
// The stream's first message (with `open`) has been read already. git's exit status and what it
// said go to the peer in the last message.
grpc::Status PumpGit(source::GitMirrors& mirrors, ProjectId project,
                     source::GitMirrors::Service service,
                     grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>& stream);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_GIT_STREAM_H_
