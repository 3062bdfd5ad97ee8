// The audit log; backups, which take long and so tell how far they are.
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/deadline.h"
#include "common/rpc/status.h"
#include "coordinator/control/control_service.h"
#include "coordinator/control/convert.h"

namespace grange::control {
namespace {

constexpr absl::Duration kProgressEvery = absl::Milliseconds(200);
constexpr int kAuditDefault = 50;

}  // namespace

grpc::Status ControlService::ListAudit(grpc::ServerContext* context,
                                       const v1::ListAuditRequest* request,
                                       v1::ListAuditReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kAdmin);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<std::vector<store::AuditRow>> rows =
      parts_.store.ListAudit(request->limit() <= 0 ? kAuditDefault : request->limit(),
                             request->before_id(), request->user());
  if (!rows.ok()) return rpc::ToGrpc(rows.status());
  for (const store::AuditRow& row : *rows) {
    v1::AuditEntry* const entry = reply->add_entries();
    entry->set_id(row.id);
    entry->set_at_ms(ToMillis(row.at));
    entry->set_user(row.actor.user);
    entry->set_token_id(row.actor.token.value());
    entry->set_peer(row.actor.peer);
    entry->set_call(row.actor.call);
    entry->set_text(row.text);
  }
  return grpc::Status::OK;
}

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
  const std::string what = absl::StrCat("backup ", made->folder, " is made");
  const absl::Status noted =
      parts_.store.PutAudit(ActorOf(*context, *caller, "create-backup"), what);
  if (!noted.ok()) return rpc::ToGrpc(noted);
  log::Info("changed", {{"by", caller->name}, {"what", what}});
  v1::BackupProgress end;
  end.set_bytes(made->bytes);
  end.set_files(static_cast<int64_t>(made->files));
  end.set_folder(made->folder);
  writer->Write(end);
  return grpc::Status::OK;
}

}  // namespace grange::control
