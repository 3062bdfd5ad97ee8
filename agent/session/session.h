#ifndef GRANGE_AGENT_SESSION_SESSION_H_
#define GRANGE_AGENT_SESSION_SESSION_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/job/job_table.h"
#include "agent/session/agent_state.h"
#include "agent/session/completion_loop.h"
#include "agent/session/stream_link.h"
#include "agent/trace/trace_sender.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/os/event_loop.h"
#include "common/rpc/backoff.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {

// The connection to the coordinator: opens a session, keeps it alive with heartbeats, carries
// messages between it and the job table, and opens the next one when it is lost
// (docs/formats/agent-protocol.md §4, §6). Jobs never depend on it. Used on the loop's thread only.
class Session : public job::Hub, public trace::TraceWriter {
 public:
  struct Options {
    AgentIdentity identity;
    Secret credential;
    std::string version;
    std::shared_ptr<grpc::Channel> channel;
    // The longest wait before a new session is tried.
    absl::Duration reconnect_max = absl::Seconds(15);
  };

  Session(os::EventLoop& loop, const Clock& clock, CompletionLoop& completions,
          const AgentState& state, trace::TraceSender& traces, Options options);
  ~Session() override;

  // Before Start(); the table and this one know each other.
  void Attach(job::JobTable& table) { table_ = &table; }
  // Called whenever a session is open, and whenever one has ended or could not be opened.
  void set_on_open(std::function<void()> on_open) { on_open_ = std::move(on_open); }
  void set_on_closed(std::function<void()> on_closed) { on_closed_ = std::move(on_closed); }

  void Start();
  // Tells the coordinator at once how many slots are free.
  void SendHeartbeat();
  // The state directory is gone, and no job goes on: opens a new session at once, in whose Hello
  // none stands, so that the coordinator knows.
  void TellLossOfState();
  // Says why, ends the session and opens no other; then `done`. `reason` "": without a word.
  void Stop(const std::string& reason, std::function<void()> done);

  // job::Hub
  void Accepted(const Assignment& assignment) override;
  void Declined(const Assignment& assignment, const std::string& reason) override;
  void Started(const Assignment& assignment) override;
  void Finished(const Assignment& assignment, const job::JobResult& result) override;
  void Note(const Assignment& assignment, const std::string& text) override;
  // trace::TraceWriter
  void Write(std::shared_ptr<const v1::TraceMsg> message) override;

 private:
  using ControlLink = StreamLink<v1::AgentMsg, v1::HubMsg>;
  using TraceLink = StreamLink<v1::TraceMsg, v1::TraceReply>;

  void Connect();
  void OpenTrace();
  void OnControl(v1::HubMsg message);
  void OnTrace(const v1::TraceReply& reply);
  void OnWelcome(const v1::Welcome& welcome);
  void OnOffer(const v1::JobOffer& offer);
  void OnDrain(const v1::Drain& drain);
  void OnLinkEnd(uint64_t generation, const grpc::Status& status);

  void Send(v1::AgentMsg message);
  void Pump();
  void Heard();
  void WatchSilence();
  void ScheduleHeartbeat();
  // The session is over for this side; the next one follows unless stopping.
  void EndSession(const absl::Status& why);
  absl::Duration WaitAfter(const absl::Status& why);
  void MaybeStopped();

  os::EventLoop& loop_;
  const Clock& clock_;
  CompletionLoop& completions_;
  const AgentState& state_;
  trace::TraceSender& traces_;
  const Options options_;
  const std::unique_ptr<v1::AgentHub::Stub> stub_;
  const std::string instance_id_;
  job::JobTable* table_ = nullptr;  // not owned; set once by Attach()
  std::function<void()> on_open_, on_closed_;

  bool state_lost_ = false;
  uint64_t last_counter_ = 0;
  // Of the current session. What comes from an older one has another generation.
  uint64_t generation_ = 0;
  std::shared_ptr<ControlLink> control_;  // shared with gRPC's work under way
  std::shared_ptr<TraceLink> trace_;
  std::deque<std::shared_ptr<const v1::AgentMsg>> outbox_;
  bool welcomed_ = false;
  uint64_t sent_seq_ = 0;
  uint64_t heard_seq_ = 0;
  absl::Duration hello_sent_;
  absl::Duration opened_at_;
  absl::Duration last_heard_;
  absl::Duration heartbeat_every_ = absl::Seconds(10);
  absl::Duration silence_limit_ = absl::Seconds(30);
  absl::Duration lease_ttl_ = absl::Seconds(60);
  absl::Duration going_down_;  // expected absence that the coordinator announced

  os::EventLoop::TimerId heartbeat_timer_ = 0;
  os::EventLoop::TimerId silence_timer_ = 0;
  os::EventLoop::TimerId connect_timer_ = 0;
  os::EventLoop::TimerId stop_timer_ = 0;
  rpc::Backoff backoff_;
  absl::Status last_error_;  // the same trouble is logged once
  int live_links_ = 0;
  bool stopping_ = false;
  std::function<void()> on_stopped_;
};

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_SESSION_H_
