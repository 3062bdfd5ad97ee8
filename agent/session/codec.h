#ifndef GRANGE_AGENT_SESSION_CODEC_H_
#define GRANGE_AGENT_SESSION_CODEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/job/job_result.h"
#include "agent/job/job_spec.h"
#include "agent/job/job_table.h"
#include "common/base/id.h"
#include "grange/v1/agent.pb.h"

// Between the wire's messages and the agent's own types. Everything that comes in is checked here:
// kInvalidArgument names what is wrong; nothing behind this sees a message of the wire.
namespace grange::session {

// The versions of the agent protocol that this agent speaks (docs/formats/agent-protocol.md).
inline constexpr int kProtocolMin = 1;
inline constexpr int kProtocolMax = 1;

absl::StatusOr<Assignment> FromProto(const v1::Assignment& message);
void ToProto(const Assignment& assignment, v1::Assignment* message);

// A JobSpec, from its serialized form, as it stands in the journal.
absl::StatusOr<job::JobSpec> DecodeJobSpec(absl::string_view bytes);
job::JobSecrets FromProto(const v1::JobStart& message);
absl::StatusOr<job::Verdict> FromProto(const v1::JobVerdict& message);

void ToProto(const job::Report& report, v1::JobReport* message);
void ToProto(const Assignment& assignment, const job::JobResult& result, v1::JobResult* message);

// `text` with each byte that is no UTF-8 replaced: a string of the wire must be valid.
std::string ToUtf8(absl::string_view text);

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_CODEC_H_
