// Trace chunks of an agent, with any offset, size, checksum and assignment, while attempts are
// given to it and taken away and the trace store has much of it or not: each chunk has the one
// answer that docs/formats/agent-protocol.md §7 gives it. Marks likewise: what is kept can be
// written down and read again.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "common/rpc/channel.h"
#include "coordinator/session/codec.h"
#include "coordinator/session/mark_message.h"
#include "coordinator/session/trace_chunk.h"
#include "tests/fuzz/byte_reader.h"
#include "tests/fuzz/hub_door.h"

namespace {

namespace session = grange::session;
namespace v1 = grange::v1;
using grange::AgentId;
using grange::Assignment;
using grange::fuzz::ByteReader;
using grange::fuzz::HubDoor;

constexpr int kJobs = 4;
constexpr uint64_t kOffsetMax = uint64_t{1} << 62;

Assignment TakeAssignment(ByteReader& input) {
  const int job = 1 + input.Byte() % kJobs;
  const int attempt = 1 + input.Byte() % 2;
  return {
      .job = grange::JobId(job), .attempt = attempt, .fence = grange::Fence{1u + input.Byte() % 2}};
}

uint64_t TakeOffset(ByteReader& input) {
  const uint8_t kind = input.Byte();
  switch (kind % 8) {
    case 0:
      return kOffsetMax - input.Byte();
    case 1:
      return kOffsetMax + input.Byte();
    case 2:
      return (uint64_t{1} << 63) + input.Byte();
    case 3:
      return ~uint64_t{0} - input.Byte();
    default:
      return input.Byte();
  }
}

v1::TraceChunk TakeChunk(ByteReader& input) {
  v1::TraceChunk chunk;
  session::ToProto(TakeAssignment(input), chunk.mutable_assignment());
  chunk.set_offset(TakeOffset(input));
  chunk.set_data(input.Text());
  const uint8_t kind = input.Byte();
  // Large ones take their time: few of them.
  if (kind >= 0xFC) chunk.mutable_data()->resize(grange::rpc::kFilePartMax + (kind & 1), 'x');
  chunk.set_crc32c(grange::Crc32c(chunk.data()) + (kind % 8 == 0 ? 1 : 0));
  return chunk;
}

v1::TraceMark TakeMark(ByteReader& input) {
  v1::TraceMark mark;
  session::ToProto(TakeAssignment(input), mark.mutable_assignment());
  mark.set_offset(TakeOffset(input));
  mark.set_unix_ms(static_cast<int64_t>(TakeOffset(input)));
  mark.set_kind(static_cast<v1::TraceMark::Kind>(input.Byte() % 5));
  if (mark.kind() != v1::TraceMark::KIND_TIME) mark.set_name(input.Text());
  return mark;
}

// The door, and what it must know.
class Model {
 public:
  explicit Model(HubDoor& door) : door_(door) {}
  // Leaves the door as it found it, for the next input.
  ~Model() {
    for (int job = 1; job <= kJobs; ++job) door_.hub().gate().Close(grange::JobId(job));
    door_.traces().full = false;
    door_.Clear();
  }

  void Open(const Assignment& assignment, bool to_another) {
    const AgentId agent =
        to_another ? AgentId(door_.session()->agent.value() + 1) : door_.session()->agent;
    door_.hub().gate().Open(assignment, agent);
    open_[assignment.job] = {assignment, agent};
  }
  void Close(grange::JobId job) {
    door_.hub().gate().Close(job);
    open_.erase(job);
  }

  void SetFull(bool full) { door_.traces().full = full; }

  void Take(v1::TraceChunk chunk) {
    door_.Clear();
    const v1::TraceChunk given = chunk;
    const absl::StatusOr<session::Reading> taken =
        session::TakeChunk(door_.hub(), door_.session(), chunk);
    const absl::StatusOr<Assignment> about = session::FromProto(given.assignment());
    const bool valid = about.ok() && given.data().size() <= grange::rpc::kFilePartMax &&
                       given.offset() <= kOffsetMax;
    GRANGE_CHECK(valid ? taken.ok() : absl::IsInvalidArgument(taken.status()));
    const bool own = valid && IsOwn(*about);
    const bool whole = own && grange::Crc32c(given.data()) == given.crc32c();
    GRANGE_CHECK(door_.sent.size() == (valid && !own ? 1 : 0));
    GRANGE_CHECK(door_.replies.size() == (own && !whole ? 1 : 0));
    GRANGE_CHECK(door_.traces().appended.size() == (whole ? 1 : 0));
    const bool pauses = taken.ok() && *taken == session::Reading::kPause;
    GRANGE_CHECK(pauses == (whole && door_.traces().full));
    if (valid && !own) GRANGE_CHECK(door_.sent[0].has_revoke());
    if (own && !whole) GRANGE_CHECK(door_.replies[0].has_resume());
    if (!whole) return;
    const grange::fuzz::Appended& appended = door_.traces().appended[0];
    GRANGE_CHECK(appended.assignment == *about && appended.offset == given.offset() &&
                 appended.bytes == given.data());
  }

  void Take(const v1::TraceMark& given) {
    door_.Clear();
    const absl::StatusOr<session::Reading> taken =
        session::TakeMark(door_.hub(), door_.session(), given);
    GRANGE_CHECK(taken.ok() || absl::IsInvalidArgument(taken.status()));
    const absl::StatusOr<Assignment> about = session::FromProto(given.assignment());
    GRANGE_CHECK(about.ok() || !taken.ok());
    const bool own = taken.ok() && IsOwn(*about);
    GRANGE_CHECK(door_.sent.empty() && door_.replies.empty());
    GRANGE_CHECK(door_.traces().marks.size() == (own ? 1 : 0));
    const bool pauses = taken.ok() && *taken == session::Reading::kPause;
    GRANGE_CHECK(pauses == (own && door_.traces().full));
    if (!own) return;
    const auto& [assignment, mark] = door_.traces().marks[0];
    GRANGE_CHECK(assignment == *about && mark.offset == given.offset());
    const std::string line = grange::trace::FormatMark(mark);
    GRANGE_CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    const auto read = grange::trace::ParseMark(line.substr(0, line.size() - 1));
    GRANGE_CHECK(read.has_value() && *read == mark);
  }

 private:
  bool IsOwn(const Assignment& assignment) const {
    const auto found = open_.find(assignment.job);
    return found != open_.end() && found->second == std::pair(assignment, door_.session()->agent);
  }

  HubDoor& door_;
  std::map<grange::JobId, std::pair<Assignment, AgentId>> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static HubDoor door;  // as long as the process: to say hello takes a commit
  Model model(door);
  for (ByteReader input(data, size); !input.empty();) {
    switch (const uint8_t step = input.Byte(); step % 8) {
      case 0:
        model.Open(TakeAssignment(input), /*to_another=*/step >= 0xC0);
        break;
      case 1:
        model.Close(TakeAssignment(input).job);
        break;
      case 2:
        model.SetFull(step >= 0x80);
        break;
      case 3: {
        v1::TraceMsg message;
        if (message.ParseFromString(input.Text())) {
          if (message.has_mark()) {
            model.Take(message.mark());
          } else {
            model.Take(message.chunk());
          }
        }
        break;
      }
      case 7:
        model.Take(TakeMark(input));
        break;
      default:
        model.Take(TakeChunk(input));
    }
  }
  return 0;
}
