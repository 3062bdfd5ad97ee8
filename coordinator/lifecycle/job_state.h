#ifndef GRANGE_COORDINATOR_LIFECYCLE_JOB_STATE_H_
#define GRANGE_COORDINATOR_LIFECYCLE_JOB_STATE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::lifecycle {

// When a job runs, as `when:` in .gitlab-ci.yml.
enum class When { kOnSuccess, kOnFailure, kAlways, kManual, kDelayed };

// What people see of a job; GitLab's words (JobStateName). All legal moves are in NextState();
// docs/lifecycle.md has the whole drawing.
//
//  created ──▶ pending ──▶ running ──▶ success | failed
//   │  ▲        │  ▲ ▲                    │
//   │  │        └──┘ └────────────────────┴──── kRequeued: offer withdrawn; retry (canceled too)
//   │  └── kRevived from skipped, failed, canceled: waits again for its place in the graph
//   ├──▶ manual ──kPlayed──▶ pending
//   ├──▶ scheduled ──kPlayed (a person, or its timer)──▶ pending
//   ├──▶ skipped
//   └──▶ canceled  (also from pending, running, manual, scheduled)
enum class JobState {
  kCreated,  // waits for earlier stages or its needs
  kPending,  // may run; waits for an agent
  kRunning,  // granted to an agent
  kSuccess,
  kFailed,
  kCanceled,
  kSkipped,    // an earlier job's result ruled it out
  kManual,     // waits for a person
  kScheduled,  // when: delayed, its timer runs
};

enum class JobEvent {
  kReady,         // all that it waited for is done
  kHeldForPlay,   // ready, but when: manual
  kTimerStarted,  // ready, but when: delayed
  kPlayed,        // a person (or the timer) started it
  kGranted,
  kSucceeded,
  kFailed,
  kCanceled,
  kRuledOut,  // it can no longer run
  kRequeued,  // back to the queue: retry, or an ungranted offer was withdrawn
  kRevived,   // what ruled it out, or its whole pipeline, is being run again
};

// The state after `event`. kFailedPrecondition, naming both, if it cannot happen in `from`.
absl::StatusOr<JobState> NextState(JobState from, JobEvent event);

// No more moves without a person: success, failed, canceled, skipped.
bool IsFinal(JobState state);

absl::string_view JobStateName(JobState state);
absl::string_view JobEventName(JobEvent event);
// kInvalidArgument for an unknown word.
absl::StatusOr<JobState> ParseJobState(absl::string_view name);

absl::string_view WhenName(When when);
absl::StatusOr<When> ParseWhen(absl::string_view name);

}  // namespace grange::lifecycle

#endif  // GRANGE_COORDINATOR_LIFECYCLE_JOB_STATE_H_
