#ifndef GRANGE_COORDINATOR_SCHEDULE_SCHEDULER_H_
#define GRANGE_COORDINATOR_SCHEDULE_SCHEDULER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/schedule/decision.h"
#include "coordinator/schedule/event.h"

namespace grange::schedule {

// Times are settings; the defaults are those of docs/formats/agent-protocol.md §4.
struct SchedulerOptions {
  absl::Duration offer_timeout = absl::Seconds(30);  // offered, not accepted: withdrawn
  absl::Duration lost_after = absl::Minutes(5);      // disconnected for so long: agent_lost
  absl::Duration decline_pause = absl::Seconds(10);  // until a declined job is offered again
  Fence highest_fence{};                             // given before this start
  // Only a test takes the fence check out, to show that the simulation notices.
  bool check_fences = true;
};

// The answer of `grangectl why`.
struct Explanation {
  lifecycle::JobState state = lifecycle::JobState::kCreated;
  std::vector<std::string> reasons;  // "no agent has tag 'gpu'", "stage 'test' is not finished: …"
  std::string next_step;             // a command, or ""
};

// Decides what runs where and when: events in, decisions out. Knows no clock, thread, socket or
// disk. The same events at the same times always give the same decisions.
//
// Not thread-safe: the core loop is its only caller. Nothing fails: an event that no longer fits
// (late, repeated, of an older fence or session) gives no decision, or the one that repairs the
// sender (Revoke, Forget). A request of a person that cannot be done is refused by Check().
class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Applies one event and returns what must now be done, in this order.
  std::vector<Decision> Apply(const Event& event, absl::Time now);

  // When Tick{} is due; InfiniteFuture if nothing waits for time.
  absl::Time NextDeadline() const;

  // Whether a person's request (CancelPipeline … PlayJob) would do something now. kNotFound if the
  // job's pipeline is not in memory (final ones are dropped: add it first), kFailedPrecondition
  // with the reason and what to do instead.
  absl::Status Check(const Event& request) const;

  // kNotFound if the job is not in memory.
  absl::StatusOr<Explanation> Why(JobId job, absl::Time now) const;

  bool Knows(PipelineId pipeline) const;

  // Slots in use and session of each agent, for `grangectl agents`.
  struct AgentView {
    AgentId id;
    bool connected = false;
    bool draining = false;
    int slots = 0;
    std::vector<JobId> jobs;  // offered, granted or running
    absl::Time disconnected_at = absl::InfinitePast();
    std::vector<std::string> features = {};  // of its last Hello
  };
  std::vector<AgentView> Agents() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_SCHEDULER_H_
