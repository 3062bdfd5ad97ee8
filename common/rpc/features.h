#ifndef GRANGE_COMMON_RPC_FEATURES_H_
#define GRANGE_COMMON_RPC_FEATURES_H_

#include <array>

#include "absl/strings/string_view.h"

// Names of optional behaviour in the agent protocol (docs/formats/agent-protocol.md §11): what an
// agent that does not know it would pass over without a word. An agent says its names in its Hello;
// what needs one is left to those that have it. A name is never given another meaning.
namespace grange::rpc {

// JobSpec.fail_at_trace_limit.
inline constexpr absl::string_view kTraceLimitFail = "trace_limit_fail";
// JobSpec.memory_limit_bytes and pids_limit; whether the machine can is another matter.
inline constexpr absl::string_view kJobLimits = "job_limits";
// Drain.deadline_ms.
inline constexpr absl::string_view kDrainDeadline = "drain_deadline";

// All that this release knows, on either side.
inline constexpr std::array<absl::string_view, 3> kFeatures = {kTraceLimitFail, kJobLimits,
                                                               kDrainDeadline};

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_FEATURES_H_
