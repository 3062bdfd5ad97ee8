#ifndef GRANGE_TESTS_SIM_FAKE_AGENT_H_
#define GRANGE_TESTS_SIM_FAKE_AGENT_H_

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "tests/sim/faults.h"
#include "tests/sim/machine.h"
#include "tests/sim/messages.h"

namespace grange::sim {

// An agent process as the protocol's text describes it (§5, §6, §8, §9): durable first, then sent.
class FakeAgent {
 public:
  // `strikes` rolls for a fault and counts it.
  FakeAgent(AgentId id, int slots, Machine& machine, Planted planted,
            std::function<bool(Fault)> strikes)
      : id_(id),
        slots_(slots),
        machine_(machine),
        planted_(planted),
        strikes_(std::move(strikes)) {}

  AgentId id() const { return id_; }
  int slots() const { return slots_; }
  bool up() const { return up_; }
  Connection* connection() { return connection_; }
  Machine& machine() { return machine_; }

  // Starts the process: reads the records, takes up the shims that are still there.
  void Start(bool machine_was_restarted);
  void Crash();

  // All times are of the agent's own clock.
  // Opens a session: the counter is durable before the Hello is sent.
  void Connect(Connection& connection, absl::Time now);
  void Disconnect();
  void Handle(const ToAgent& message, absl::Time now);
  // A heartbeat that was sent at `sent` has been acknowledged.
  void Acknowledged(absl::Time sent, absl::Time now);

  // One step of its own: starts a granted job, notices a result, sends a piece of a trace. False
  // if there was nothing to do.
  bool Work(absl::Time now, Dice& dice);

 private:
  using Phase = schedule::JobReport::Phase;

  void On(const schedule::SendWelcome& welcome, absl::Time now);
  void On(const schedule::SendOffer& offer);
  void Grant(const Assignment& assignment);
  void Cancel(const Assignment& assignment);
  void Forget(const Assignment& assignment);
  void Revoke(const Assignment& assignment);
  Record* Held(const Assignment& assignment);
  absl::Duration LeaseTtl() const;
  void StartScript(Record& record);
  void Finish(Record& record, const Ending& ending);
  bool StopDrained();
  bool NoticeOne();
  bool SendTrace(Dice& dice);
  void Send(ToHub message);

  const AgentId id_;
  const int slots_;
  Machine& machine_;
  const Planted planted_;
  const std::function<bool(Fault)> strikes_;

  // What dies with the process.
  bool up_ = false;
  Connection* connection_ = nullptr;
  std::set<AttemptId> granted_;       // its secrets are in memory
  std::map<AttemptId, size_t> sent_;  // of the trace, in this session
  std::set<AttemptId> may_send_;      // the hub wants its trace in this session
  absl::Time lease_ = absl::InfinitePast();
  bool draining_ = false;
  absl::Time drain_until_ = absl::InfiniteFuture();  // what runs then is stopped
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_FAKE_AGENT_H_
