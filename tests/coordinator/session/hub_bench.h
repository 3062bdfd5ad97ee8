#ifndef GRANGE_TESTS_COORDINATOR_SESSION_HUB_BENCH_H_
#define GRANGE_TESTS_COORDINATOR_SESSION_HUB_BENCH_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/mutex.h"
#include "common/os/real_clock.h"
#include "coordinator/session/session_hub.h"
#include "coordinator/store/store.h"
#include "coordinator/trace/trace_store.h"

namespace grange::session {

// A session without gRPC: the stream takes every message at once, and `canceled` says whether the
// hub has canceled the call. Thread-safe.
class FakeSession : public rpc::Outbox<v1::HubMsg>::Stream, public ControlStreamEnd {
 public:
  explicit FakeSession(const Clock& clock);

  const std::shared_ptr<AgentSession>& session() const { return session_; }
  std::vector<v1::HubMsg> sent() const;
  bool canceled() const;
  // What the hub ended it with; waits for that. OK if it does not.
  absl::Status WaitForEnd() ABSL_LOCKS_EXCLUDED(mu_);

  void StartSend(const v1::HubMsg* message) override;
  void FinishSending() override {}
  void End(const absl::Status& status) override;
  void Cancel(const absl::Status& status) override;

 private:
  const std::shared_ptr<rpc::Outbox<v1::HubMsg>> outbox_;
  const std::shared_ptr<AgentSession> session_;
  mutable base::Mutex mu_;
  std::vector<v1::HubMsg> sent_ ABSL_GUARDED_BY(mu_);
  bool canceled_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mu_);
  base::CondVar ended_;
};

// A hub with a real database and real traces in a folder of its own, one registered agent, and a
// scheduler that only notes what it is told.
class HubBench : public SessionListener {
 public:
  explicit HubBench(SessionOptions options = {});
  ~HubBench() override;

  SessionHub& hub() { return *hub_; }
  store::Store& store() { return *store_; }
  trace::TraceStore& traces() { return *traces_; }
  const Clock& clock() const { return clock_; }
  const std::string& dir() const { return dir_; }
  AgentId agent() const { return agent_; }
  const std::string& credential() const { return credential_; }

  v1::Hello Hello(uint64_t counter) const;
  // A session that has been admitted.
  std::shared_ptr<FakeSession> Open(uint64_t counter) { return Open(Hello(counter)); }
  std::shared_ptr<FakeSession> Open(const v1::Hello& hello);
  // One that is not admitted; what it is told.
  absl::Status OpenRefused(const v1::Hello& hello);
  // A job of a pipeline of its own, granted to the agent.
  Assignment Grant();
  void Chunk(FakeSession& session, const Assignment& assignment, uint64_t offset,
             const std::string& bytes, absl::StatusCode expected = absl::StatusCode::kOk);
  void Result(FakeSession& session, const Assignment& assignment, const std::string& trace);

  // Waits until the scheduler was told `count` events of this kind; false after ten seconds.
  template <typename Event>
  bool WaitFor(int count = 1) {
    return Wait([this, count] {
      int found = 0;
      for (const schedule::Event& event : events_) found += std::holds_alternative<Event>(event);
      return found >= count;
    });
  }
  // The newest of its kind that the scheduler was told.
  template <typename Event>
  std::optional<Event> Last() {
    base::MutexLock lock(mu_);
    std::optional<Event> last;
    for (const schedule::Event& event : events_) {
      if (const auto* found = std::get_if<Event>(&event)) last = *found;
    }
    return last;
  }
  // The next result that was handed on, with its trace durable; nullopt after ten seconds.
  std::optional<JobResult> NextResult();

  void OnEvent(schedule::Event event) override;
  void OnResult(JobResult result) override;
  void OnNote(JobId job) override ABSL_LOCKS_EXCLUDED(mu_);
  int notes() ABSL_LOCKS_EXCLUDED(mu_);  // how often a note was news

 private:
  bool Wait(const std::function<bool()>& done) ABSL_LOCKS_EXCLUDED(mu_);

  os::RealClock clock_;
  std::string dir_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<trace::TraceStore> traces_;
  AgentId agent_;
  std::string credential_;
  base::Mutex mu_;
  base::CondVar changed_;
  // Both under mu_, which Wait() holds for its conditions.
  std::vector<schedule::Event> events_;
  std::deque<JobResult> results_;
  int notes_ = 0;
  std::vector<std::shared_ptr<FakeSession>> sessions_;  // until the hub has gone
  std::unique_ptr<SessionHub> hub_;
};

}  // namespace grange::session

#endif  // GRANGE_TESTS_COORDINATOR_SESSION_HUB_BENCH_H_
