#include "coordinator/session/trace_chunk.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/crc32c.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"

namespace grange::session {

absl::StatusOr<Reading> TakeChunk(SessionHub& hub, const std::shared_ptr<AgentSession>& session,
                                  v1::TraceChunk& chunk) {
  // Its acknowledgements would go to the stream that is over, and the agent would wait for them.
  if (!hub.IsCurrent(session)) {
    return absl::UnauthenticatedError("this trace stream belongs to a session that is over");
  }
  GRANGE_ASSIGN_OR_RETURN(const Assignment assignment, FromProto(chunk.assignment()));
  if (chunk.data().size() > rpc::kFilePartMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a trace chunk is larger than ", rpc::kFilePartMax, " bytes"));
  }
  if (chunk.offset() > uint64_t{1} << 62) {
    return absl::InvalidArgumentError("a trace chunk's offset is out of range");
  }
  if (!hub.gate().Allows(assignment, session->agent)) {
    v1::HubMsg revoke;
    ToProto(assignment, revoke.mutable_revoke()->mutable_assignment());
    revoke.mutable_revoke()->set_reason("this attempt is not the agent's any more");
    session->Send(std::move(revoke));
    return Reading::kGoOn;
  }
  GRANGE_RETURN_IF_ERROR(
      hub.gate().CheckBytes(assignment, chunk.offset() + chunk.data().size()));
  if (Crc32c(chunk.data()) != chunk.crc32c()) {
    log::Warning("trace_chunk_damaged", {{"job", assignment}, {"offset", chunk.offset()}});
    session->Resume(assignment, hub.traces().Size(assignment.job, assignment.attempt));
    return Reading::kGoOn;
  }
  const bool may_go_on =
      hub.traces().Append(assignment, chunk.offset(), std::move(*chunk.mutable_data()), session);
  return may_go_on ? Reading::kGoOn : Reading::kPause;
}

}  // namespace grange::session
