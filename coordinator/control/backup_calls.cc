// CreateBackup: long, so it tells how far it is.
#include <string>

#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/deadline.h"
#include "common/rpc/status.h"
#include "coordinator/control/control_service.h"

namespace grange::control {
namespace {

constexpr absl::Duration kProgressEvery = absl::Milliseconds(200);

}  // namespace

grpc::Status ControlService::CreateBackup(grpc::ServerContext* context,
                                          const v1::CreateBackupRequest* request,
                                          grpc::ServerWriter<v1::BackupProgress>* writer) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kAdmin);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  absl::Duration next = os::SinceBoot() + kProgressEvery;
  const auto tell = [&](uint64_t bytes) {
    if (os::SinceBoot() < next) return;
    next = os::SinceBoot() + kProgressEvery;
    v1::BackupProgress progress;
    progress.set_bytes(bytes);
    writer->Write(progress);  // a client that is gone doesn't end what it asked for
  };
  const absl::StatusOr<BackupMade> made =
      parts_.backend.CreateBackup(request->name(), !request->database_only(), tell);
  if (!made.ok()) return rpc::ToGrpc(made.status());
  log::Info("changed", {{"by", caller->name}, {"what", "made backup " + made->folder}});
  v1::BackupProgress end;
  end.set_bytes(made->bytes);
  end.set_files(static_cast<int64_t>(made->files));
  end.set_folder(made->folder);
  writer->Write(end);
  return grpc::Status::OK;
}

}  // namespace grange::control
