#ifndef GRANGE_TOOLS_BENCH_SWARM_SWARM_AGENT_H_
#define GRANGE_TOOLS_BENCH_SWARM_SWARM_AGENT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "agent/session/completion_loop.h"
#include "agent/session/stream_link.h"
#include "common/os/event_loop.h"
#include "common/rpc/backoff.h"
#include "grange/v1/agent.grpc.pb.h"
#include "tools/bench/swarm/swarm.h"

namespace grange::bench {

// Where all agents of a swarm count what they see.
class SwarmCounter {
 public:
  virtual ~SwarmCounter() = default;
  virtual void Count(const std::function<void(SwarmCounts&)>& change) = 0;
  virtual void CountFlood() = 0;
};

// One agent of a swarm. Used on the loop's thread only.
class SwarmAgent {
 public:
  struct Identity {
    int64_t id = 1;
    std::string credential;
  };
  SwarmAgent(os::EventLoop& loop, session::CompletionLoop& completions, const SwarmOptions& options,
             SwarmCounter& counter, Identity identity);
  ~SwarmAgent();

  void Connect();
  void Disconnect();
  // No stream of it is under way any more.
  bool IsQuiet() const { return live_links_ == 0; }
  void FinishHeld();
  void StartFlood(Swarm::Flood flood);
  void set_answer(OfferAnswer answer) { answer_ = answer; }

 private:
  using ControlLink = session::StreamLink<v1::AgentMsg, v1::HubMsg>;
  using TraceLink = session::StreamLink<v1::TraceMsg, v1::TraceReply>;
  // By job: one attempt of a job at a time.
  struct Job {
    v1::Assignment assignment;
    v1::JobReport::Phase phase = v1::JobReport::PHASE_ACCEPTED;
  };

  void OpenTrace(const std::string& session_id);
  void OnMessage(const v1::HubMsg& message);
  void OnWelcome(const v1::Welcome& welcome);
  void OnOffer(const v1::Assignment& assignment);
  void OnStart(const v1::Assignment& assignment);
  void Forget(const v1::Assignment& assignment);
  void OnLinkEnd(uint64_t generation, const grpc::Status& status);
  void EndSession(const std::string& why);
  void SendResult(const Job& job, v1::FailureReason reason);
  void Finish(Job& job, v1::FailureReason reason);
  void Beat();
  void WatchForWelcome();
  void Send(v1::AgentMsg message);
  void Pump();
  void FillFlood();
  void FloodTrace();

  os::EventLoop& loop_;
  session::CompletionLoop& completions_;
  const SwarmOptions& options_;
  SwarmCounter& counter_;
  const Identity identity_;
  const std::string instance_id_;
  std::unique_ptr<v1::AgentHub::Stub> stub_;  // from Connect() to Disconnect()
  OfferAnswer answer_;
  bool wanted_ = false;  // a session, from Connect() to Disconnect()
  uint64_t counter_of_sessions_ = 0;
  int live_links_ = 0;
  std::map<int64_t, Job> jobs_;

  // Of the current session.
  uint64_t generation_ = 0;
  std::shared_ptr<ControlLink> control_;  // shared with gRPC's work under way
  std::shared_ptr<TraceLink> trace_;
  std::deque<std::shared_ptr<const v1::AgentMsg>> outbox_;
  bool welcomed_ = false;
  absl::Duration opened_at_, last_heard_, heartbeat_every_, silence_limit_;
  os::EventLoop::TimerId timer_ = 0;
  rpc::Backoff backoff_;
  std::optional<Swarm::Flood> flood_;
  uint64_t flood_offset_ = 0;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_SWARM_SWARM_AGENT_H_
