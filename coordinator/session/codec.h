#ifndef GRANGE_COORDINATOR_SESSION_CODEC_H_
#define GRANGE_COORDINATOR_SESSION_CODEC_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/schedule/decision.h"
#include "coordinator/schedule/event.h"
#include "coordinator/session/job_spec.h"
#include "grange/v1/agent.pb.h"

// Between messages and values of the domain. Everything that comes from an agent is checked here:
// kInvalidArgument ends its stream, and no value of a peer can abort the process. Pure.
namespace grange::session {

inline constexpr int kProtocolMin = 1;
inline constexpr int kProtocolMax = 1;
inline constexpr int kSlotsMax = 1000;
inline constexpr int kReportsMax = 10'000;
inline constexpr size_t kDetailBytesMax = 4096;
inline constexpr size_t kNoteBytesMax = 200;
inline constexpr int kFeaturesMax = 100;
inline constexpr size_t kFeatureBytesMax = 64;

// The first `bytes_max` bytes of a text of a peer at most, without a torn character at the end: a
// string of the wire that is no UTF-8 would make a whole message unreadable.
std::string FrontOf(const std::string& text, size_t bytes_max);

// What an agent says that it does just now, as one short line for people: control characters have
// become spaces.
std::string NoteText(const std::string& text);

absl::StatusOr<Assignment> FromProto(const v1::Assignment& message);
void ToProto(const Assignment& assignment, v1::Assignment* message);

// Identity and limits of a Hello; FAILED_PRECONDITION if no protocol version is common, naming
// both ranges and who must be upgraded.
struct HelloFacts {
  AgentId agent;
  std::string instance_id;
  uint64_t session_counter = 0;
  int protocol = 0;
  int slots = 1;
  std::vector<schedule::JobReport> jobs;
  std::vector<std::string> features;  // also ones that this coordinator does not know
  std::string version;
};
absl::StatusOr<HelloFacts> FromProto(const v1::Hello& message);

// `agent`, `session` and `trace` are left to the caller.
absl::StatusOr<JobResult> FromProto(const v1::JobResult& message);

void ToProto(const JobSpec& spec, v1::JobSpec* message);
void ToProto(const StartSecrets& secrets, v1::JobStart* message);
v1::JobVerdict::Kind ToProto(schedule::SendWelcome::Verdict verdict);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_CODEC_H_
