#ifndef GRANGE_TESTS_SIM_FAULTS_H_
#define GRANGE_TESTS_SIM_FAULTS_H_

#include <array>

#include "absl/strings/string_view.h"

namespace grange::sim {

// What can go wrong, or be asked for at a bad moment.
enum class Fault {
  kHubCrash,        // also between commit and send, and in the middle of the sends
  kAgentCrash,      // also between what it writes and what it sends
  kMachineRestart,  // its jobs are gone
  kStateLost,       // an agent's state directory, with its jobs
  kCut,             // a session ends; any suffix of what was under way is lost
  kPartition,       // a line goes silent for up to three times lost_after
  kLateDelivery,    // a message of an ended session arrives after the next one began
  kDuplicate,       // a message arrives twice
  kDecline,         // an agent does not want a job
  kCancel,          // of a job or a pipeline
  kRetry,           // of a job or a pipeline
  kDrain,           // of an agent, or its end
  kCount,
};

// Mistakes in the code under test or in its peers that the simulation must find.
enum class Planted {
  kNothing,
  kNoFenceCheck,          // in the scheduler and the trace store
  kAppendWithoutOffset,   // to a trace
  kStartBeforeGrant,      // an agent starts what it has accepted
  kStartAgainAfterCrash,  // a record found "starting" or "running" without its shim
  kLeaseLongerThanLostAfter,
  kWrongClocks,  // by half, not by a tenth: nobody's mistake, but P4 does not hold there
  // These two need a certain order of things, so schedules_test.cc plays it:
  kLeaseFromAckArrival,  // not from when the heartbeat was sent
  kCounterInMemoryOnly,  // the highest session counter dies with the coordinator
};

constexpr size_t kFaults = static_cast<size_t>(Fault::kCount);
using FaultCounts = std::array<int, kFaults>;

inline absl::string_view FaultName(Fault fault) {
  constexpr absl::string_view kNames[] = {
      "hub crash",     "agent crash", "machine restart", "state lost", "cut",   "partition",
      "late delivery", "duplicate",   "decline",         "cancel",     "retry", "drain"};
  return kNames[static_cast<size_t>(fault)];
}

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_FAULTS_H_
