#ifndef GRANGE_COORDINATOR_SCHEDULE_TIMER_QUEUE_H_
#define GRANGE_COORDINATOR_SCHEDULE_TIMER_QUEUE_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/base/id.h"

namespace grange::schedule {

// What the scheduler waits for in time. One timer for each (kind, subject); earliest first, ties
// in a fixed order. Nothing fires by itself: somebody asks with PopDue().
class TimerQueue {
 public:
  enum class Kind { kOfferExpires, kAgentLost, kJobPlays, kDeclineEnds, kPauseEnds };
  struct Timer {
    Kind kind;
    int64_t subject;  // a job's or an agent's id, by the kind

    friend auto operator<=>(const Timer&, const Timer&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Timer& timer) {
      return H::combine(std::move(h), timer.kind, timer.subject);
    }
  };

  void Set(Kind kind, JobId job, absl::Time at) { Set({kind, job.value()}, at); }
  void Set(Kind kind, AgentId agent, absl::Time at) { Set({kind, agent.value()}, at); }
  void Remove(Kind kind, JobId job) { Remove({kind, job.value()}); }
  void Remove(Kind kind, AgentId agent) { Remove({kind, agent.value()}); }
  bool Has(Kind kind, AgentId agent) const { return at_.contains(Timer{kind, agent.value()}); }

  // Takes out the earliest timer whose time has come.
  std::optional<Timer> PopDue(absl::Time now);

  absl::Time NextDeadline() const;  // InfiniteFuture if there is none

 private:
  void Set(Timer timer, absl::Time at);
  void Remove(Timer timer);

  absl::btree_set<std::pair<absl::Time, Timer>> queue_;
  absl::flat_hash_map<Timer, absl::Time> at_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_TIMER_QUEUE_H_
