// What a coordinator may send to an agent, and what the agent says of a job whose output is any
// bytes.

#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "agent/session/codec.h"
#include "common/base/check.h"
#include "tests/fuzz/byte_reader.h"

namespace {

namespace job = grange::job;
namespace session = grange::session;
namespace v1 = grange::v1;

void CheckSpec(const std::string& bytes) {
  const absl::StatusOr<job::JobSpec> spec = session::DecodeJobSpec(bytes);
  if (!spec.ok()) {
    GRANGE_CHECK(absl::IsInvalidArgument(spec.status()) && !spec.status().message().empty());
    return;
  }
  // No job is without limits, whatever the coordinator says.
  GRANGE_CHECK(spec->timeout > absl::ZeroDuration() && spec->timeout < absl::InfiniteDuration());
  GRANGE_CHECK(spec->after_script_timeout > absl::ZeroDuration() &&
               spec->after_script_timeout < absl::InfiniteDuration());
  GRANGE_CHECK(spec->trace_limit_bytes > 0 && spec->sources.depth >= 0);
  GRANGE_CHECK(spec->sources.project.value() >= 0);
}

void CheckVerdict(const v1::JobVerdict& message) {
  const absl::StatusOr<job::Verdict> verdict = session::FromProto(message);
  if (!verdict.ok()) {
    GRANGE_CHECK(absl::IsInvalidArgument(verdict.status()) && !verdict.status().message().empty());
    return;
  }
  GRANGE_CHECK(verdict->assignment.job.is_set() && verdict->assignment.attempt > 0);
  v1::Assignment back;
  session::ToProto(verdict->assignment, &back);
  GRANGE_CHECK(
      back.SerializeAsString() == message.assignment().SerializeAsString() ||
      !message.assignment().GetReflection()->GetUnknownFields(message.assignment()).empty());
}

void CheckMessage(const v1::HubMsg& message) {
  if (message.has_offer()) CheckSpec(message.offer().spec().SerializeAsString());
  if (message.has_start()) {
    const job::JobSecrets secrets = session::FromProto(message.start());
    GRANGE_CHECK(secrets.variables.size() == static_cast<size_t>(message.start().secrets_size()));
    GRANGE_CHECK(secrets.masks.size() == static_cast<size_t>(message.start().masks_size()));
  }
  for (const v1::JobVerdict& verdict : message.welcome().verdicts()) CheckVerdict(verdict);
}

// Any bytes of a job become text that the coordinator can read.
void CheckTexts(const std::string& bytes) {
  const std::string text = session::ToUtf8(bytes);
  GRANGE_CHECK(session::ToUtf8(text) == text && text.size() <= 3 * bytes.size());
  job::JobResult result;
  result.detail = bytes;
  result.artifact_id = bytes;
  result.artifact_error = bytes;
  v1::JobResult message, back;
  session::ToProto({grange::JobId(1), 1, grange::Fence{1}}, result, &message);
  GRANGE_CHECK(back.ParseFromString(message.SerializeAsString()));
  GRANGE_CHECK(back.artifact_id() == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // It would say of each bad text that it is bad.
  [[maybe_unused]] static const auto silenced = google::protobuf::SetLogHandler(nullptr);
  const std::string bytes = grange::fuzz::ByteReader(data, size).Rest();
  if (v1::HubMsg message; message.ParseFromString(bytes)) CheckMessage(message);
  if (v1::JobVerdict message; message.ParseFromString(bytes)) CheckVerdict(message);
  CheckSpec(bytes);
  CheckTexts(bytes);
  return 0;
}
