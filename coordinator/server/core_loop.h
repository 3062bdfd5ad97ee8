#ifndef GRANGE_COORDINATOR_SERVER_CORE_LOOP_H_
#define GRANGE_COORDINATOR_SERVER_CORE_LOOP_H_

#include <functional>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "coordinator/schedule/scheduler.h"
#include "coordinator/server/performer.h"
#include "coordinator/store/store.h"

namespace grange::server {

// The one thread that decides: drains a mailbox, calls Scheduler::Apply, hands the decisions to the
// performer. Sleeps until there is an event or the scheduler's next deadline has come.
class CoreLoop {
 public:
  CoreLoop(schedule::SchedulerOptions options, const Clock& clock, Performer& performer);
  ~CoreLoop();  // as Stop()
  CoreLoop(const CoreLoop&) = delete;
  CoreLoop& operator=(const CoreLoop&) = delete;

  // Applies what waits, then ends its thread. What is posted afterwards is dropped. Once.
  void Stop();

  // Any thread; only queues.
  void Post(schedule::Event event);
  // A result; `end` is stored with the rows that it changes, if it changes any.
  void PostResult(schedule::JobFinished event, std::optional<store::PutTraceEnd> end);
  // A person's request. Blocks until it is durable, together with `answer`, or refused by
  // Scheduler::Check(); then no answer is stored.
  absl::Status Request(schedule::Event event, const store::Answer& answer);
  // Runs `question` on the core's thread. Blocks until it has run.
  void Ask(std::function<void(const schedule::Scheduler&)> question);

 private:
  struct Item {
    std::variant<schedule::Event, std::function<void(const schedule::Scheduler&)>> what;
    std::optional<store::PutTraceEnd> trace_end;
    store::Answer answer{};
    absl::AnyInvocable<void(absl::Status)> done;
    bool check = false;
  };

  void Post(Item item) ABSL_LOCKS_EXCLUDED(mu_);
  void Loop();
  std::vector<Item> Take() ABSL_LOCKS_EXCLUDED(mu_);
  void Apply(Item& item, std::vector<Batch>& batches);
  // The wall clock as it was at the start, plus the time since: it never jumps, so nothing that is
  // decided by time depends on somebody setting the clock.
  absl::Time Now() const { return started_at_ + (clock_.SinceBoot() - started_since_boot_); }

  schedule::Scheduler scheduler_;  // the loop's thread only
  const Clock& clock_;
  const absl::Time started_at_;
  const absl::Duration started_since_boot_;
  Performer& performer_;
  base::Mutex mu_;
  base::CondVar wake_;
  std::vector<Item> mailbox_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_CORE_LOOP_H_
