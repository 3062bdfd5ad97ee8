#ifndef GRANGE_COORDINATOR_SESSION_SESSION_HUB_H_
#define GRANGE_COORDINATOR_SESSION_SESSION_HUB_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/os/event_loop.h"
#include "coordinator/schedule/decision.h"
#include "coordinator/schedule/event.h"
#include "coordinator/session/agent_session.h"
#include "coordinator/session/codec.h"
#include "coordinator/session/guess_limit.h"
#include "coordinator/session/job_spec.h"
#include "coordinator/session/open_calls.h"
#include "coordinator/session/trace_gate.h"
#include "coordinator/store/store.h"
#include "coordinator/trace/trace_store.h"
#include "grange/v1/agent.pb.h"

namespace grange::session {

// Times of docs/formats/agent-protocol.md §4; all are settings.
struct SessionOptions {
  absl::Duration heartbeat_every = absl::Seconds(10);
  absl::Duration silence_limit = absl::Seconds(30);
  absl::Duration lease_ttl = absl::Seconds(60);
  absl::Duration same_credential_window = absl::Seconds(20);
  absl::Duration cancel_grace = absl::Seconds(30);
};

// What an agent has said it keeps on its disk between jobs.
struct AgentKept {
  uint32_t work_trees = 0;
  uint64_t work_tree_bytes = 0;
  uint32_t mirrors = 0;
  uint64_t mirror_bytes = 0;
  uint64_t spool_bytes = 0;
};

// What the agents' door tells the rest of the coordinator. Called on threads of the door; must not
// block.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  virtual void OnEvent(schedule::Event event) = 0;
  virtual void OnResult(JobResult result) = 0;
  // What gate().NoteOf() says of the job has changed. On the stream's thread: must not block.
  virtual void OnNote(JobId job) = 0;
};

// All sessions: identity, liveness, and the way to each agent. Slow work (the database) runs on a
// loop of its own. Thread-safe.
class SessionHub {
 public:
  SessionHub(SessionOptions options, store::Store& store, trace::TraceStore& traces,
             const Clock& clock, SessionListener& listener);
  ~SessionHub();
  SessionHub(const SessionHub&) = delete;
  SessionHub& operator=(const SessionHub&) = delete;

  // --- what the performer sends, in its order; a session that is gone swallows it
  void SendWelcome(const schedule::SendWelcome& welcome);
  // These two: kInvalidArgument, and nothing was sent, if it is larger than a message may be.
  absl::Status SendOffer(const schedule::SendOffer& offer, const JobSpec& spec);
  absl::Status SendStart(const schedule::SendStart& start, const StartSecrets& secrets);
  void SendCancel(const schedule::SendCancel& cancel);
  void SendForget(const schedule::SendForget& forget);
  void SendRevoke(const schedule::SendRevoke& revoke);
  void SendDrain(const schedule::SendDrain& drain);

  // --- from people
  // Ends all sessions of the agent (revoked, removed), within 5 s also if it does not read.
  void EndSessionsOf(AgentId agent, const absl::Status& why);
  absl::Time LastContact(AgentId agent) const;
  // When the agent without a session was last heard of, at the earliest when this hub began;
  // InfiniteFuture while it has one. For display.
  absl::Time AwaySince(AgentId agent) const;

  // As the agent said last, for as long as this hub is there; none: not counted yet.
  std::optional<AgentKept> KeptBy(AgentId agent) const;

  // The coordinator stops: tells every agent, then ends the streams.
  void GoingDown();

  // After the last stream has ended: runs what the streams have left to do, then calls the listener
  // no more. What is sent from then on goes nowhere. Once.
  void Stop();

  // --- from the streams
  // A stream has begun; without a Hello within the silence limit it ends. False if too many wait
  // for theirs: it is to end at once.
  bool OnOpened(const std::shared_ptr<AgentSession>& session);
  // A Hello on a new stream; identity is checked on the hub's loop.
  void OnHello(std::shared_ptr<AgentSession> session, std::string credential, v1::Hello hello);
  // Any later message. INVALID_ARGUMENT ends the stream.
  absl::Status OnMessage(const std::shared_ptr<AgentSession>& session, v1::AgentMsg& message);
  void OnEnded(const std::shared_ptr<AgentSession>& session);
  // The agent sends more than it may: its next sessions are refused for a while. What to tell it.
  absl::Status SendAway(const std::shared_ptr<AgentSession>& session);
  // Whether it is the agent's session of now. What comes from another one is not looked at.
  bool IsCurrent(const std::shared_ptr<AgentSession>& session) const;
  // The session a bulk stream belongs to: its public id and the agent's credential must fit.
  std::shared_ptr<AgentSession> Find(const std::string& public_id,
                                     absl::string_view credential) const;

  TraceGate& gate() { return gate_; }
  GuessLimit& guesses() { return guesses_; }
  OpenCalls& calls() { return calls_; }
  trace::TraceStore& traces() { return traces_; }
  store::Store& store() { return store_; }
  const Clock& clock() const { return clock_; }
  void Register(const store::AgentRow& agent);  // tells the scheduler of a new agent

 private:
  void Admit(const std::shared_ptr<AgentSession>& session, const std::string& credential,
             const v1::Hello& hello);
  void Alarm(const store::AgentRow& agent, absl::string_view what, const std::string& peer);
  absl::Status CheckIdentity(const std::shared_ptr<AgentSession>& session,
                             const std::string& credential, const HelloFacts& hello,
                             store::AgentRow& agent);
  void OnResult(const std::shared_ptr<AgentSession>& session, const v1::JobResult& message,
                JobResult result);
  // The session is over; nothing if it was not its agent's any more. On the loop's thread.
  void Leave(const std::shared_ptr<AgentSession>& session);
  void CheckSilence();  // on the loop's thread
  // It waits for its Hello no longer. On the loop's thread.
  void Admitted(const std::shared_ptr<AgentSession>& session);
  // Ends it as AgentSession::End() does, and cancels it if that takes too long.
  void EndSoon(const std::shared_ptr<AgentSession>& session, const absl::Status& why);
  std::shared_ptr<AgentSession> Get(AgentId agent, schedule::SessionId session) const;

  const SessionOptions options_;
  store::Store& store_;
  trace::TraceStore& traces_;
  const Clock& clock_;
  const absl::Time started_at_;
  SessionListener& listener_;
  TraceGate gate_;
  GuessLimit guesses_;
  OpenCalls calls_;
  std::atomic<int> unadmitted_{0};  // streams that are open, and of no session yet
  std::atomic<int64_t> next_session_{1};

  mutable base::Mutex mu_;
  absl::flat_hash_map<AgentId, std::shared_ptr<AgentSession>> by_agent_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, std::shared_ptr<AgentSession>> by_public_id_
      ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<AgentId, absl::Time> last_contact_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<AgentId, AgentKept> kept_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<AgentId, absl::Duration> away_until_ ABSL_GUARDED_BY(mu_);  // since boot

  os::EventLoop::TimerId silence_timer_ = 0;  // on the loop's thread; 0: none
  os::EventLoop loop_;
  std::thread thread_;
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_SESSION_HUB_H_
