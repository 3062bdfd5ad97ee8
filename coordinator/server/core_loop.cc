#include "coordinator/server/core_loop.h"

#include <algorithm>
#include <utility>

#include "common/base/notification.h"

namespace grange::server {

CoreLoop::CoreLoop(schedule::SchedulerOptions options, const Clock& clock, Performer& performer)
    : scheduler_(options),
      clock_(clock),
      started_at_(clock.Now()),
      started_since_boot_(clock.SinceBoot()),
      performer_(performer),
      thread_([this] { Loop(); }) {}

CoreLoop::~CoreLoop() { Stop(); }

void CoreLoop::Stop() {
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    wake_.Signal();
  }
  thread_.join();
}

void CoreLoop::Post(schedule::Event event) {
  Post(Item{.what = std::move(event), .trace_end = {}, .done = nullptr, .check = false});
}

void CoreLoop::PostResult(schedule::JobFinished event, std::optional<store::PutTraceEnd> end) {
  Post(Item{.what = schedule::Event(event),
            .trace_end = std::move(end),
            .answer = {},
            .done = nullptr,
            .check = false});
}

absl::Status CoreLoop::Request(schedule::Event event, const store::Answer& reply) {
  absl::Status answer;
  base::Notification answered;
  Post(Item{.what = std::move(event),
            .trace_end = {},
            .answer = reply,
            .done =
                [&](absl::Status status) {
                  answer = std::move(status);
                  answered.Notify();
                },
            .check = true});
  answered.WaitForNotification();
  return answer;
}

void CoreLoop::Ask(std::function<void(const schedule::Scheduler&)> question) {
  base::Notification answered;
  Post(Item{.what = std::function<void(const schedule::Scheduler&)>(
                [&](const schedule::Scheduler& scheduler) {
                  question(scheduler);
                  answered.Notify();
                }),
            .trace_end = {},
            .answer = {},
            .done = nullptr,
            .check = false});
  answered.WaitForNotification();
}

void CoreLoop::Post(Item item) {
  base::MutexLock lock(mu_);
  mailbox_.push_back(std::move(item));
  wake_.Signal();
}

std::vector<CoreLoop::Item> CoreLoop::Take() {
  base::MutexLock lock(mu_);
  while (mailbox_.empty() && !stop_) {
    const absl::Duration left = scheduler_.NextDeadline() - Now();
    if (left <= absl::ZeroDuration()) {
      mailbox_.push_back(Item{.what = schedule::Event(schedule::Tick{}),
                              .trace_end = {},
                              .answer = {},
                              .done = nullptr,
                              .check = false});
    } else if (left == absl::InfiniteDuration()) {
      wake_.Wait(mu_);
    } else {
      wake_.WaitWithTimeout(mu_, std::min(left, absl::Minutes(10)));
    }
  }
  return std::exchange(mailbox_, {});
}

void CoreLoop::Loop() {
  while (true) {
    std::vector<Item> items = Take();
    if (items.empty()) return;
    std::vector<Batch> batches;
    for (Item& item : items) Apply(item, batches);
    if (!batches.empty()) performer_.Perform(std::move(batches));
  }
}

void CoreLoop::Apply(Item& item, std::vector<Batch>& batches) {
  if (const auto* question =
          std::get_if<std::function<void(const schedule::Scheduler&)>>(&item.what)) {
    return (*question)(scheduler_);
  }
  const schedule::Event& event = std::get<schedule::Event>(item.what);
  if (item.check) {
    const absl::Status checked = scheduler_.Check(event);
    if (!checked.ok()) {
      // Said in its turn: what came before it, and decided it, is durable by then.
      batches.push_back(Batch{.decisions = {},
                              .trace_end = std::nullopt,
                              .answer = {},
                              .done = [done = std::move(item.done),
                                       checked](const absl::Status&) mutable { done(checked); }});
      return;
    }
  }
  Batch batch{.decisions = scheduler_.Apply(event, Now()),
              .trace_end = std::nullopt,
              .answer = std::move(item.answer),
              .done = std::move(item.done)};
  if (item.trace_end.has_value()) {
    // Only a result that was taken changes its job's row; a late one must not touch the trace.
    const bool taken = std::any_of(batch.decisions.begin(), batch.decisions.end(),
                                   [&](const schedule::Decision& decision) {
                                     const auto* job = std::get_if<schedule::StoreJob>(&decision);
                                     return job != nullptr && job->id == item.trace_end->job;
                                   });
    if (taken) batch.trace_end = std::move(item.trace_end);
  }
  if (!batch.decisions.empty() || batch.done) batches.push_back(std::move(batch));
}

}  // namespace grange::server
