#ifndef GRANGE_COORDINATOR_SCHEDULE_DECISION_H_
#define GRANGE_COORDINATOR_SCHEDULE_DECISION_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/lifecycle/pipeline_state.h"
#include "coordinator/schedule/event.h"

// What the scheduler wants done. Rows (Store…) are committed in one transaction for a whole batch;
// only then do the sends go out, in order.
namespace grange::schedule {

// The job's row as it is now. Carries the whole changing part, so that writing it twice or
// skipping an older one is harmless.
struct StoreJob {
  JobId id;
  PipelineId pipeline;
  lifecycle::JobState state = lifecycle::JobState::kCreated;
  AttemptNumber attempt = 0;
  int automatic_retries = 0;
  Phase phase = Phase::kNone;
  Fence fence{};
  AgentId agent;  // of the newest attempt, also when it has ended
  lifecycle::FailureReason reason = lifecycle::FailureReason::kNone;
  int exit_code = 0;
  bool cancel_wanted = false;
  bool cancel_by_force = false;  // with the former: without the grace
  bool played = false;
  bool allowed_to_fail = false;  // decided for its exit code; with kFailed
  absl::Time queued_at = absl::InfinitePast();
  absl::Time play_at = absl::InfiniteFuture();
  absl::Time started_at = absl::InfinitePast();  // of the newest attempt
  absl::Time finished_at = absl::InfinitePast();
  std::string detail;  // one line for people, such as why it was skipped
};

struct StorePipeline {
  PipelineId id;
  lifecycle::PipelineState state = lifecycle::PipelineState::kCreated;
  absl::Time started_at = absl::InfinitePast();
  absl::Time finished_at = absl::InfinitePast();
  std::string failure;  // one line: which job failed and why
};

// The highest fence given so far; part of the same transaction as the rows that use it.
struct StoreFence {
  Fence highest{};
};

struct SendOffer {
  AgentId agent;
  SessionId session;
  Assignment assignment;
};
struct SendStart {
  AgentId agent;
  SessionId session;
  Assignment assignment;
};
struct SendCancel {
  AgentId agent;
  SessionId session;
  Assignment assignment;
  bool force = false;
};
struct SendForget {
  AgentId agent;
  SessionId session;
  Assignment assignment;
};
struct SendRevoke {
  AgentId agent;
  SessionId session;
  Assignment assignment;
  std::string reason;
};

// Answer to AgentConnected: one verdict per reported job, in order.
struct SendWelcome {
  enum class Verdict { kGoOn, kStart, kForget, kRevoke };
  struct JobVerdict {
    Assignment assignment;
    Verdict verdict = Verdict::kRevoke;
  };
  AgentId agent;
  SessionId session;
  std::vector<JobVerdict> verdicts;
};
// Stands for this session only: it is sent again after each Welcome while it is wanted, so that an
// agent that was away when the drain ended does not go on declining.
struct SendDrain {
  AgentId agent;
  SessionId session;
  bool resume = false;
  // From now on; then what runs is stopped. Zero if that time has passed; infinite: never.
  absl::Duration left = absl::InfiniteDuration();
};

using Decision = std::variant<StoreJob, StorePipeline, StoreFence, SendOffer, SendStart, SendCancel,
                              SendForget, SendRevoke, SendWelcome, SendDrain>;

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_DECISION_H_
