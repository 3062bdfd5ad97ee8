// What an agent may send to the coordinator. Any bytes as each message that is converted; and as a
// sequence of messages of one session (each with two bytes of length before it), as the streams
// hand them to the hub.

#include <cstdint>
#include <string>
#include <variant>

#include "common/base/check.h"
#include "common/rpc/channel.h"
#include "coordinator/session/codec.h"
#include "coordinator/session/message_size.h"
#include "tests/fuzz/byte_reader.h"
#include "tests/fuzz/hub_door.h"

namespace {

namespace session = grange::session;
namespace v1 = grange::v1;
using grange::Assignment;
using grange::fuzz::ByteReader;
using grange::fuzz::HubDoor;

// The one assignment that the agent has: what corpus/codec speaks of.
const Assignment kOwn{.job = grange::JobId(7), .attempt = 2, .fence = grange::Fence{9}};

void CheckStatus(const absl::Status& status) {
  if (status.ok()) return;
  GRANGE_CHECK(absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status));
  GRANGE_CHECK(!status.message().empty());
}

// Whether a peer could read it in a message.
bool IsText(const std::string& text) {
  v1::Bye message, back;
  message.set_reason(text);
  return back.ParseFromString(message.SerializeAsString());
}

void CheckAssignment(const Assignment& assignment) {
  GRANGE_CHECK(assignment.job.value() > 0 && assignment.job.value() <= int64_t{1} << 53);
  GRANGE_CHECK(assignment.attempt > 0 && grange::FenceValue(assignment.fence) != 0);
  v1::Assignment message;
  session::ToProto(assignment, &message);
  const absl::StatusOr<Assignment> back = session::FromProto(message);
  GRANGE_CHECK(back.ok() && *back == assignment);
}

void CheckResult(const session::JobResult& result) {
  CheckAssignment(result.assignment);
  GRANGE_CHECK(result.detail.size() <= 2 * session::kDetailBytesMax + 2 && IsText(result.detail));
  GRANGE_CHECK(result.artifact_id.size() <= 128 && IsText(result.artifact_id));
}

void CheckHello(const v1::Hello& message) {
  const absl::StatusOr<session::HelloFacts> facts = session::FromProto(message);
  CheckStatus(facts.status());
  if (!facts.ok()) return;
  GRANGE_CHECK(facts->agent.value() > 0 && facts->instance_id.size() == 16);
  GRANGE_CHECK(facts->slots >= 1 && facts->slots <= session::kSlotsMax);
  GRANGE_CHECK(facts->protocol >= session::kProtocolMin &&
               facts->protocol <= session::kProtocolMax);
  GRANGE_CHECK(facts->jobs.size() <= session::kReportsMax);
  GRANGE_CHECK(facts->version.size() <= 64 && IsText(facts->version));
  for (const auto& report : facts->jobs) CheckAssignment(report.assignment);
}

// Near the limit, what passes must fit with its envelope into a control message.
void CheckOffer(v1::JobOffer offer, size_t more) {
  if (more != 0) {
    offer.mutable_spec()->add_script(std::string(grange::rpc::kControlMessageMax - more * 8, 'x'));
  }
  const absl::Status fits = session::CheckSize(offer);
  CheckStatus(fits);
  v1::HubMsg message;
  message.set_seq(~uint64_t{0});
  message.set_ack(~uint64_t{0});
  *message.mutable_offer() = std::move(offer);
  GRANGE_CHECK(!fits.ok() || message.ByteSizeLong() <= grange::rpc::kControlMessageMax);
}

void CheckEachMessage(const std::string& bytes) {
  if (v1::Hello hello; hello.ParseFromString(bytes)) CheckHello(hello);
  if (v1::JobResult result; result.ParseFromString(bytes)) {
    const absl::StatusOr<session::JobResult> read = session::FromProto(result);
    CheckStatus(read.status());
    if (read.ok()) CheckResult(*read);
  }
  if (v1::Assignment assignment; assignment.ParseFromString(bytes)) {
    const absl::StatusOr<Assignment> read = session::FromProto(assignment);
    CheckStatus(read.status());
    if (read.ok()) CheckAssignment(*read);
  }
  if (v1::JobOffer offer; offer.ParseFromString(bytes)) {
    // 1 MiB takes its time: only some of the inputs.
    const uint8_t last = bytes.empty() ? 0 : static_cast<uint8_t>(bytes.back());
    CheckOffer(offer, last < 0xF0 ? 0 : last - 0xEFu);
  }
  if (v1::JobStart start; start.ParseFromString(bytes)) CheckStatus(session::CheckSize(start));
}

// Whether an event is what `given` says, of the agent itself.
void CheckEvent(const HubDoor& door, const v1::AgentMsg& given,
                const grange::schedule::Event& event) {
  if (const auto* accepted = std::get_if<grange::schedule::JobAccepted>(&event)) {
    GRANGE_CHECK(given.has_accept() && accepted->agent == door.session()->agent);
    CheckAssignment(accepted->assignment);
  } else if (const auto* declined = std::get_if<grange::schedule::JobDeclined>(&event)) {
    GRANGE_CHECK(given.has_decline() && declined->agent == door.session()->agent);
    GRANGE_CHECK(declined->reason.size() <= session::kDetailBytesMax && IsText(declined->reason));
    CheckAssignment(declined->assignment);
  } else {
    const auto* started = std::get_if<grange::schedule::JobStarted>(&event);
    GRANGE_CHECK(started != nullptr && given.has_started());
    CheckAssignment(started->assignment);
  }
}

// What the hub makes of one message: at most one thing, and it is about what the message names.
void CheckHandled(HubDoor& door, v1::AgentMsg message) {
  door.Clear();
  const v1::AgentMsg given = message;
  const absl::Status handled = door.hub().OnMessage(door.session(), message);
  GRANGE_CHECK(handled.ok() || absl::IsInvalidArgument(handled));
  const size_t told = door.events.size() + door.results.size();
  GRANGE_CHECK(told + door.sent.size() <= 1 && (handled.ok() || told == 0));
  GRANGE_CHECK(door.ends == (given.has_bye() ? 1 : 0));
  if (given.has_heartbeat()) {
    GRANGE_CHECK(door.sent.size() == 1 &&
                 door.sent[0].heartbeat_ack().sent_at_ms() == given.heartbeat().sent_at_ms());
  }
  for (const grange::schedule::Event& event : door.events) CheckEvent(door, given, event);
  for (const session::JobResult& result : door.results) {
    GRANGE_CHECK(given.has_result() && result.agent == door.session()->agent);
    // Only of an attempt that is the agent's is the trace looked at.
    GRANGE_CHECK(result.trace.has_value() == (result.assignment == kOwn));
    CheckResult(result);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static HubDoor door;  // as long as the process: to say hello takes a commit
  door.hub().gate().Open(kOwn, door.session()->agent);
  CheckEachMessage(ByteReader(data, size).Rest());
  for (ByteReader input(data, size); !input.empty();) {
    v1::AgentMsg message;
    if (message.ParseFromString(input.LongText())) CheckHandled(door, message);
  }
  return 0;
}
