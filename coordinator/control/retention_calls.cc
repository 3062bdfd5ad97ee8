// What is kept, and what goes.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/rpc/status.h"
#include "coordinator/control/control_service.h"
#include "coordinator/control/convert.h"

namespace grange::control {

grpc::Status ControlService::PinPipeline(grpc::ServerContext* context,
                                         const v1::PinRequest* request, v1::ActionReply* reply) {
  return Act(*context, request->unpin() ? "unpin" : "pin", Role::kDeveloper, request->request_key(),
             reply, [&](const store::Answer& draft) -> absl::StatusOr<std::string> {
               const store::Answer answer = draft.WithText(absl::StrCat(
                   "pipeline ", request->pipeline_id(),
                   request->unpin() ? " is no longer pinned" : " is pinned: it is kept"));
               const absl::Status done = parts_.store.PinPipeline(
                   PipelineId(request->pipeline_id()), !request->unpin(), answer);
               if (!done.ok()) return done;
               return answer.text;
             });
}

grpc::Status ControlService::Usage(grpc::ServerContext* context, const v1::UsageRequest*,
                                   v1::UsageReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<UsageReport> usage = parts_.backend.Usage();
  if (!usage.ok()) return rpc::ToGrpc(usage.status());
  for (const UsageLine& line : usage->lines) {
    v1::UsageLine* const added = reply->add_lines();
    added->set_kind(line.row.kind);
    added->set_project(line.row.project_name);
    added->set_count(line.row.count);
    added->set_bytes(line.row.bytes);
    if (line.limit.age != absl::InfiniteDuration()) {
      added->set_age_limit_ms(absl::ToInt64Milliseconds(line.limit.age));
    }
    if (line.limit.bytes != retention::kNoBytesLimit) added->set_bytes_limit(line.limit.bytes);
    added->set_oldest_ms(ToMillis(line.row.oldest));
    added->set_removed_count(line.row.swept_count);
    added->set_removed_bytes(line.row.swept_bytes);
    added->set_removed_ms(ToMillis(line.row.swept_at));
    added->set_agent(line.agent);
  }
  reply->set_disk_free_bytes(usage->disk_free);
  reply->set_disk_bytes(usage->disk_bytes);
  reply->set_last_sweep_ms(ToMillis(usage->sweeps.last));
  reply->set_next_sweep_ms(ToMillis(usage->sweeps.next));
  reply->set_database_bytes(usage->database.bytes);
  reply->set_database_free_bytes(usage->database.free);
  return grpc::Status::OK;
}

grpc::Status ControlService::Sweep(grpc::ServerContext* context, const v1::SweepRequest* request,
                                   v1::SweepReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kAdmin);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<std::vector<sweep::Swept>> swept = parts_.backend.Sweep(request->dry_run());
  if (!swept.ok()) return rpc::ToGrpc(swept.status());
  uint64_t count = 0, bytes = 0;
  for (const sweep::Swept& line : *swept) {
    v1::Swept* const added = reply->add_swept();
    added->set_kind(line.kind);
    added->set_project(line.project_name);
    added->set_limit(line.limit);
    added->set_count(line.count);
    added->set_bytes(line.bytes);
    added->set_oldest_ms(ToMillis(line.oldest));
    count += line.count;
    bytes += line.bytes;
  }
  if (request->dry_run()) return grpc::Status::OK;
  const std::string what = absl::StrCat("a sweep removed ", count, " things of ", bytes, " bytes");
  const absl::Status noted = parts_.store.PutAudit(ActorOf(*context, *caller, "sweep"), what);
  if (!noted.ok()) return rpc::ToGrpc(noted);
  log::Info("changed", {{"by", caller->name}, {"what", what}});
  return grpc::Status::OK;
}

}  // namespace grange::control
