#ifndef GRANGE_TESTS_SIM_MESSAGES_H_
#define GRANGE_TESTS_SIM_MESSAGES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/schedule/decision.h"
#include "coordinator/schedule/event.h"

// What travels between the simulated coordinator ("hub") and agents: the messages of
// docs/formats/agent-protocol.md, cut down to what decides something.
namespace grange::sim {

struct AttemptId {
  JobId job;
  AttemptNumber attempt = 0;

  friend auto operator<=>(const AttemptId&, const AttemptId&) = default;
};
inline AttemptId IdOf(const Assignment& a) { return {a.job, a.attempt}; }

// How an attempt really ended, as its agent wrote it down.
struct Ending {
  lifecycle::FailureReason reason = lifecycle::FailureReason::kNone;
  int exit_code = 0;
  size_t trace_bytes = 0;
};

struct Hello {
  uint64_t counter = 0;
  std::vector<schedule::JobReport> jobs;
};
struct Accept {
  Assignment assignment;
};
struct Decline {
  Assignment assignment;
  std::string reason;
};
struct Started {
  Assignment assignment;
};
struct Result {
  Assignment assignment;
  Ending ending;
};
struct Chunk {
  Assignment assignment;
  size_t offset = 0;
  std::string bytes;
};
using ToHub = std::variant<Hello, Accept, Decline, Started, Result, Chunk>;

struct Resume {  // send the trace again from here on
  Assignment assignment;
  size_t offset = 0;
};
using ToAgent = std::variant<schedule::SendWelcome, schedule::SendOffer, schedule::SendStart,
                             schedule::SendCancel, schedule::SendForget, schedule::SendRevoke,
                             schedule::SendDrain, Resume>;

// One control stream and one trace stream of one session. Each direction of each keeps its order;
// between them there is none.
struct Connection {
  AgentId agent;
  schedule::SessionId session;  // given by the hub with the Hello
  absl::Time opened_at;         // by the agent's clock
  absl::Time heard_at;          // by either side
  std::deque<ToHub> control_to_hub;
  std::deque<ToHub> trace_to_hub;
  std::deque<ToAgent> control_to_agent;
  std::deque<ToAgent> trace_to_agent;
  bool hub_open = true;
  bool agent_open = true;
  bool welcomed = false;                           // the agent has seen its Welcome
  bool cut = false;                                // nothing new gets through
  absl::Time silent_until = absl::InfinitePast();  // a partition: nothing moves before that
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_MESSAGES_H_
