#ifndef GRANGE_COORDINATOR_SESSION_AGENT_SESSION_H_
#define GRANGE_COORDINATOR_SESSION_AGENT_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/mutex.h"
#include "common/rpc/outbox.h"
#include "coordinator/schedule/event.h"
#include "coordinator/session/call_canceler.h"
#include "coordinator/session/read_pause.h"
#include "coordinator/trace/trace_store.h"
#include "grange/v1/agent.pb.h"

namespace grange::session {

// How the stream of one session is ended.
class ControlStreamEnd {
 public:
  virtual ~ControlStreamEnd() = default;
  // After what waits is sent; with this status. The first status stands. Any thread.
  virtual void End(const absl::Status& status) = 0;
  // Now: what waits is dropped, and a write that the peer does not take is given up. The peer may
  // never see the status. Also after End(). Any thread.
  virtual void Cancel(const absl::Status& status) = 0;
};

// One control stream of one agent, with the trace stream that belongs to it. Shared by its
// reactors, the hub and the trace store's callbacks: whoever is last lets it go.
class AgentSession : public trace::TraceStore::Sender {
 public:
  using ControlOutbox = rpc::Outbox<v1::HubMsg>;
  using TraceOutbox = rpc::Outbox<v1::TraceReply>;

  AgentSession(std::shared_ptr<ControlOutbox> outbox, std::shared_ptr<ControlStreamEnd> end,
               const Clock& clock);

  // Of a peer that does not read the session is canceled.
  void Send(v1::HubMsg message);
  void End(const absl::Status& status) { end_->End(status); }
  void Cancel(const absl::Status& status) { end_->Cancel(status); }
  void Heard();
  absl::Duration silence() const;

  // trace::TraceStore::Sender: to the trace stream that is open now, if any.
  void Ack(const Assignment& assignment, uint64_t durable) override;
  void Resume(const Assignment& assignment, uint64_t offset) override;
  void Failed(const Assignment& assignment, const absl::Status& status) override;
  void Drained() override;

  // The trace stream of this session; an older one is canceled. `pause` (or null) is let go when
  // the trace store has room for more of this session.
  void SetTraceStream(std::shared_ptr<TraceOutbox> outbox, std::shared_ptr<CallCanceler> canceler,
                      std::shared_ptr<ReadPause> pause) ABSL_LOCKS_EXCLUDED(mu_);
  void DropTraceStream() { SetTraceStream(nullptr, nullptr, nullptr); }

  std::string peer;  // its address, from the stream's beginning

  // On the hub's loop: the stream has begun and is of no session yet. The timer that ends it.
  bool unadmitted = false;
  uint64_t hello_timer = 0;

  // Set once by the hub, before `ready`.
  schedule::SessionId id;
  std::string public_id;  // 32 hex digits; names the session on the other streams
  AgentId agent;
  std::string agent_name;
  std::string instance_id;
  std::string credential_hash;
  std::vector<std::string> features;  // that its agent has
  std::atomic<bool> ready{false};  // the scheduler has been told of it, or is being told

 private:
  void PostTrace(v1::TraceReply reply) ABSL_LOCKS_EXCLUDED(mu_);

  const std::shared_ptr<ControlOutbox> outbox_;
  const std::shared_ptr<ControlStreamEnd> end_;
  const Clock& clock_;
  std::atomic<int64_t> heard_at_ns_;
  base::Mutex mu_;
  std::shared_ptr<TraceOutbox> trace_outbox_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<CallCanceler> trace_canceler_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<ReadPause> trace_pause_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_AGENT_SESSION_H_
