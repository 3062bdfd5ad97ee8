#ifndef GRANGE_TESTS_SIM_HUB_H_
#define GRANGE_TESTS_SIM_HUB_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/schedule/scheduler.h"
#include "tests/sim/dice.h"
#include "tests/sim/fake_store.h"
#include "tests/sim/faults.h"
#include "tests/sim/messages.h"

namespace grange::sim {

// A coordinator process: the real scheduler between a fake store and fake sessions. What the
// scheduler decides is gathered in a batch; Commit() stores the rows of all of it and only then
// lets the sends out.
class Hub {
 public:
  // `strikes` rolls for a fault and counts it; `print`, if set, gets a line for each step.
  Hub(FakeStore& store, Witness& witness, Planted planted, absl::Duration lost_after,
      std::function<bool(Fault)> strikes, std::function<void(const std::string&)> print)
      : store_(store),
        witness_(witness),
        planted_(planted),
        lost_after_(lost_after),
        strikes_(std::move(strikes)),
        print_(std::move(print)) {}

  bool up() const { return scheduler_ != nullptr; }
  const schedule::Scheduler& scheduler() const { return *scheduler_; }

  // All times are of the coordinator's own clock.
  void Start(absl::Time now);  // recovery: rows become events
  void Crash();                // the world ends its connections

  void Handle(Connection& connection, const ToHub& message, absl::Time now);
  // The hub has noticed that the connection is dead.
  void SessionEnds(Connection& connection, absl::Time now);
  bool IsCurrent(const Connection& connection) const;
  void Apply(const schedule::Event& event, absl::Time now);
  // A person drains an agent, whose row says so already: answered with the next commit.
  void Drain(AgentId agent, absl::Duration stop_after, absl::Time now);

  // False if there was nothing to commit. May crash before, between and after.
  bool Commit();
  bool has_batch() const { return !batch_.empty(); }
  // Makes what has arrived of the traces durable.
  void SyncTraces();

 private:
  struct WaitingResult {
    schedule::SessionId session;  // not its connection: another one may get that address
    Result result;
  };

  bool IsNewer(AgentId agent, uint64_t counter);
  bool checks_fences() const { return planted_ != Planted::kNoFenceCheck; }
  void On(Connection& connection, const Hello& hello, absl::Time now);
  void On(Connection& connection, const Result& result, absl::Time now);
  void On(Connection& connection, const Chunk& chunk, absl::Time now);
  void PostResult(const Connection& connection, const Result& result, absl::Time now);
  void CheckCancels(const std::vector<schedule::Decision>& batch);
  void Send(const schedule::Decision& decision);
  void SendResumes(Connection& connection, const schedule::SendWelcome& welcome);

  FakeStore& store_;
  Witness& witness_;
  const Planted planted_;
  const absl::Duration lost_after_;
  const std::function<bool(Fault)> strikes_;
  const std::function<void(const std::string&)> print_;

  // What dies with the process.
  std::unique_ptr<schedule::Scheduler> scheduler_;
  std::vector<schedule::Decision> batch_;
  std::map<AgentId, Connection*> sessions_;
  std::vector<WaitingResult> waiting_;
  std::vector<AgentId> drains_;           // to be answered
  std::map<AgentId, uint64_t> counters_;  // only with kCounterInMemoryOnly
  int64_t next_session_ = 1;
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_HUB_H_
