#ifndef GRANGE_AGENT_SESSION_HUB_FILES_H_
#define GRANGE_AGENT_SESSION_HUB_FILES_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "agent/workspace/file_door.h"
#include "agent/workspace/git_mirrors.h"
#include "common/base/secret.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {

// Artifacts and git's packs over the coordinator's Put, Get and Git calls. For worker threads: all
// calls block.
class HubFiles : public workspace::FileDoor, public workspace::PackDoor {
 public:
  HubFiles(std::shared_ptr<grpc::Channel> channel, Secret credential)
      : stub_(v1::AgentHub::NewStub(channel)), credential_(std::move(credential)) {}

  absl::StatusOr<std::string> Put(const Upload& upload,
                                  workspace::Cancellation& cancellation) override;
  absl::Status Get(const Download& download, workspace::Cancellation& cancellation) override;
  absl::Status Serve(const workspace::Sources& sources, int socket,
                     workspace::Cancellation& cancellation) override;

 private:
  // One call from `offset` on; without `data` it only asks how much the coordinator has.
  absl::StatusOr<v1::FileReply> PutOnce(const Upload& upload, uint64_t offset, bool data,
                                        workspace::Cancellation& cancellation);
  absl::Status GetOnce(const Download& download, int fd, uint64_t* offset,
                       workspace::Cancellation& cancellation);

  const std::unique_ptr<v1::AgentHub::Stub> stub_;
  const Secret credential_;
};

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_HUB_FILES_H_
