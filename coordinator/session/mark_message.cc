#include "coordinator/session/mark_message.h"

#include <utility>

#include "common/base/status_macros.h"

namespace grange::session {
namespace {

absl::StatusOr<trace::Mark::Kind> FromProto(v1::TraceMark::Kind kind) {
  switch (kind) {
    case v1::TraceMark::KIND_TIME:
      return trace::Mark::Kind::kTime;
    case v1::TraceMark::KIND_SECTION_START:
      return trace::Mark::Kind::kSectionStart;
    case v1::TraceMark::KIND_SECTION_END:
      return trace::Mark::Kind::kSectionEnd;
    default:  // also what a newer agent may say
      return absl::InvalidArgumentError("a trace mark of an unknown kind");
  }
}

}  // namespace

absl::StatusOr<Reading> TakeMark(SessionHub& hub, const std::shared_ptr<AgentSession>& session,
                                 const v1::TraceMark& message) {
  if (!hub.IsCurrent(session)) {
    return absl::UnauthenticatedError("this trace stream belongs to a session that is over");
  }
  GRANGE_ASSIGN_OR_RETURN(const Assignment assignment, FromProto(message.assignment()));
  trace::Mark mark{
      .offset = message.offset(), .unix_ms = message.unix_ms(), .name = message.name()};
  GRANGE_ASSIGN_OR_RETURN(mark.kind, FromProto(message.kind()));
  GRANGE_RETURN_IF_ERROR(trace::CheckMark(mark));
  if (!hub.gate().Allows(assignment, session->agent)) return Reading::kGoOn;
  const bool may_go_on = hub.traces().AddMark(assignment, std::move(mark), session);
  return may_go_on ? Reading::kGoOn : Reading::kPause;
}

}  // namespace grange::session
