#ifndef GRANGE_COORDINATOR_SESSION_AGENT_SERVICE_H_
#define GRANGE_COORDINATOR_SESSION_AGENT_SERVICE_H_

#include <string>

#include "coordinator/artifact/artifact_store.h"
#include "coordinator/session/async_stream.h"
#include "coordinator/session/session_hub.h"
#include "coordinator/source/git_mirror.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {

// gRPC's side of the agents' door: checks, translates, forwards. Control and Trace are
// asynchronous streams (AsyncStream); the others block on disk or git and run on gRPC's synchronous
// threads.
class AgentService : public v1::AgentHub::WithAsyncMethod_Control<
                         v1::AgentHub::WithAsyncMethod_Trace<v1::AgentHub::Service>> {
 public:
  AgentService(SessionHub& hub, artifact::ArtifactStore& artifacts, source::GitMirrors& mirrors)
      : hub_(hub), artifacts_(artifacts), mirrors_(mirrors) {}

  grpc::Status Register(grpc::ServerContext* context, const v1::RegisterRequest* request,
                        v1::RegisterReply* reply) override;
  // Control and Trace: from the server's start until it stops.
  void AcceptStreams(StreamThreads& threads);
  grpc::Status Put(grpc::ServerContext* context, grpc::ServerReader<v1::FilePart>* reader,
                   v1::FileReply* reply) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::FileRequest* request,
                   grpc::ServerWriter<v1::FilePart>* writer) override;
  grpc::Status Git(grpc::ServerContext* context,
                   grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>* stream) override;

 private:
  // The agent whose credential, here as its hash, the call carries.
  absl::StatusOr<store::AgentRow> Caller(const grpc::ServerContext& context,
                                         const std::string& hash);
  absl::Status Receive(const store::AgentRow& agent, grpc::ServerReader<v1::FilePart>& reader,
                       v1::FileReply* reply);
  absl::Status Send(const store::AgentRow& agent, const v1::FileRequest& request,
                    grpc::ServerWriter<v1::FilePart>& writer);

  SessionHub& hub_;
  artifact::ArtifactStore& artifacts_;
  source::GitMirrors& mirrors_;
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_AGENT_SERVICE_H_
