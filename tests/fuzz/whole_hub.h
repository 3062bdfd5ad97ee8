#ifndef GRANGE_TESTS_FUZZ_WHOLE_HUB_H_
#define GRANGE_TESTS_FUZZ_WHOLE_HUB_H_

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/notification.h"
#include "common/rpc/outbox.h"
#include "coordinator/schedule/scheduler.h"
#include "coordinator/session/session_hub.h"
#include "tests/fuzz/agents_only_store.h"
#include "tests/fuzz/memory_traces.h"

namespace grange::fuzz {

// One control stream with its trace stream, as the hub sees it: takes every message at once.
class AgentStream : public session::ControlStreamEnd,
                    public rpc::Outbox<v1::HubMsg>::Stream,
                    public rpc::Outbox<v1::TraceReply>::Stream {
 public:
  explicit AgentStream(const Clock& clock);

  const std::shared_ptr<session::AgentSession>& session() const { return session_; }
  const std::shared_ptr<rpc::Outbox<v1::TraceReply>>& trace() const { return trace_; }
  // What the coordinator has said since the last call.
  std::vector<v1::HubMsg> TakeSent();
  void WaitForEnd() { ended_.WaitForNotification(); }
  bool has_ended() const { return ended_.HasBeenNotified(); }

  bool said_hello = false;
  bool over = false;  // the hub has been told

  void End(const absl::Status&) override;
  void Cancel(const absl::Status& status) override;
  void StartSend(const v1::HubMsg* message) override;
  void StartSend(const v1::TraceReply* message) override;
  void FinishSending() override {}

 private:
  std::shared_ptr<rpc::Outbox<v1::HubMsg>> control_;
  std::shared_ptr<rpc::Outbox<v1::TraceReply>> trace_;
  std::shared_ptr<session::AgentSession> session_;
  base::Mutex mu_;
  std::vector<v1::HubMsg> sent_ ABSL_GUARDED_BY(mu_);
  bool told_ ABSL_GUARDED_BY(mu_) = false;
  base::Notification ended_;
};

// A coordinator from its agents' door to its scheduler, without sockets, disk and database, with
// three agents and a pipeline of four jobs. Each call is carried out to its end, what it leads to
// included; then what must always hold is checked: a broken promise aborts the process. One
// thread calls it.
class WholeHub : public session::SessionListener {
 public:
  static constexpr int kAgents = 3, kJobs = 4;

  WholeHub();
  ~WholeHub() override;

  static std::string CredentialOf(int agent);  // from 0 on
  uint64_t LastCounter(int agent) const;

  // --- from the agents; a stream is named by its number
  // A new stream, and its first message.
  size_t Open(const std::string& credential, v1::Hello hello, const std::string& peer = "");
  size_t streams() const { return streams_.size(); }
  AgentStream& stream(size_t number) { return *streams_[number]; }
  void Message(size_t stream, v1::AgentMsg message);
  void Chunk(size_t stream, v1::TraceChunk chunk);
  void EndStream(size_t stream);

  // --- from elsewhere
  void PassTime(absl::Duration by);
  // Nothing if the scheduler refuses it.
  void Request(const schedule::Event& event);

  // Every stream ends, an agent that does all right comes, and every job must come to its end.
  void Heal();

  // All that was ever offered, granted or started.
  const std::vector<Assignment>& seen() const { return seen_; }

  void OnEvent(schedule::Event event) override;
  void OnResult(session::JobResult result) override;
  void OnNote(JobId) override {}

 private:
  using AttemptId = std::pair<JobId, AttemptNumber>;

  void Settle();   // what the hub's thread and the scheduler have to do
  void Barrier();  // until the hub's thread has done all it was given
  void Apply(const schedule::Event& event, bool has_trace);
  void Store(const schedule::StoreJob& row);
  void Send(const schedule::Decision& decision, bool has_trace);
  void CheckGate();
  void CheckAllIsGone();
  void ServeHonestly(size_t stream);
  const schedule::StoreJob* RowOf(const Assignment& assignment) const;
  bool IsHeldBy(const Assignment& assignment, AgentId agent) const;

  FakeClock clock_{absl::UnixEpoch() + absl::Hours(24)};
  store::AgentsOnlyStore store_;
  trace::MemoryTraces traces_;
  schedule::Scheduler scheduler_;
  std::map<JobId, schedule::StoreJob> rows_;
  Fence highest_fence_{};
  std::map<AttemptId, std::pair<AgentId, Fence>> granted_;
  std::map<JobId, int> asked_;
  std::vector<Assignment> seen_;
  std::vector<std::unique_ptr<AgentStream>> streams_, barriers_;

  struct Told {
    schedule::Event event;
    bool has_trace = false;
  };
  base::Mutex mu_;
  std::vector<Told> told_ ABSL_GUARDED_BY(mu_);

  std::unique_ptr<session::SessionHub> hub_;  // goes first: its thread uses the rest
};

}  // namespace grange::fuzz

#endif  // GRANGE_TESTS_FUZZ_WHOLE_HUB_H_
