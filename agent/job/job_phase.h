#ifndef GRANGE_AGENT_JOB_JOB_PHASE_H_
#define GRANGE_AGENT_JOB_JOB_PHASE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::job {

// How far an attempt has come at its agent.
enum class JobPhase {
  kAccepting,  // the offer is on its way to the journal
  kAccepted,   // durable, and the coordinator was told; nothing runs
  kPreparing,  // started by the coordinator: sources and artifacts are fetched
  kStarting,   // "starting" is on its way to the journal, or the shim is being handed the run
  kRunning,    // the shim has it
  kUploading,  // the shim has ended; artifacts are stored
  kFinished,   // the result is known; kept until the coordinator has it
  kGone,       // forgotten
};

// What can happen to it.
enum class JobEvent {
  kAcceptDurable,  // the record "accepted" is on disk
  kStart,          // JobStart
  kPrepared,       // all is there for the script
  kLaunched,       // the shim has taken the run over
  kShimEnded,      // the shim has ended, artifacts are wanted
  kResult,         // the result is known, with or without a run
  kForget,         // JobForget, or a verdict; of a running one only after its shim has ended
};

//  accepting ─▶ accepted ─▶ preparing ─▶ starting ─▶ running ─▶ uploading ─▶ finished ─▶ gone
//                  │            │           │           │           ▲            ▲
//                  └────────────┴───────────┴───────────┴── result ─┼────────────┘
//      (accepted, preparing, starting, running, uploading ── result ──▶ finished; a crash of the
//      agent takes preparing back to accepted, starting on to finished, uploading back to running;
//      forget leads from each but starting and running to gone.)
//
// kFailedPrecondition, naming both, if `event` cannot happen in `from`: it came twice or late, and
// the caller ignores it.
absl::StatusOr<JobPhase> NextPhase(JobPhase from, JobEvent event);

absl::string_view JobPhaseName(JobPhase phase);
absl::string_view JobEventName(JobEvent event);

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_JOB_PHASE_H_
