#ifndef GRANGE_TESTS_SIM_WORLD_H_
#define GRANGE_TESTS_SIM_WORLD_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/dice.h"
#include "tests/sim/fake_agent.h"
#include "tests/sim/faults.h"
#include "tests/sim/hub.h"
#include "tests/sim/skewed_clock.h"

namespace grange::sim {

struct WorldOptions {
  uint64_t seed = 1;
  Planted planted = Planted::kNothing;
  int steps = 400;     // with faults; then everything heals
  bool print = false;  // every step, on stdout
};

struct Outcome {
  std::string violation;  // "" if all promises held
  int events = 0;         // before the healing
  Witness::Tally seen;    // before the healing
  FaultCounts faults{};
};

// One farm from one seed: a coordinator, agents on their machines, the lines between them and the
// people who use it, moved one step at a time in an order that only the dice know. Then all
// faults end, and everything must come to an end.
class World {
 public:
  explicit World(const WorldOptions& options);
  Outcome Run();

 private:
  // --- world.cc: the steps of ordinary life; false if there was nothing to do
  bool Step();
  bool OrdinaryStep();
  bool DeliverToHub();
  bool DeliverToAgent();
  bool NoticeEnds();
  bool ConnectOne();
  bool StartOne();
  bool WorkOne();
  bool RunScript();
  bool CommitBatch();
  void Advance(absl::Duration by);
  void Heartbeats();
  void Sweep();  // forgets connections that nobody holds
  void Heal();
  bool HasEnded() const;
  void CheckEnd();

  // --- trouble.cc: faults and people
  bool Trouble();
  bool Roll(Fault fault);
  bool Strikes(Fault fault);  // rolls the dice and counts
  void Count(Fault fault);
  bool CrashHub();
  void HubIsGone();  // its connections are, too
  bool CrashAgent();
  bool Restart();
  bool LoseState();
  void CutConnection(Connection& connection);
  bool Cut();
  bool Partition();
  bool Duplicate();
  bool CancelSomething();
  bool RetrySomething();
  bool PlaySomething();
  bool DrainSomeone();
  bool SubmitPipeline();
  bool Ask(const schedule::Event& request);
  void SetDraining(AgentId agent, bool draining);
  JobId AnyJob();

  // --- plan.cc: what the seed is about
  void MakeAgents();
  schedule::PipelineAdded MakePipeline();

  bool IsSilent(const Connection& connection) const { return now_ < connection.silent_until; }
  // What the clocks of the coordinator's and of an agent's machine show.
  absl::Time HubNow() const { return hub_clock_.Shown(now_); }
  absl::Time NowOf(size_t machine) const { return clocks_[machine].Shown(now_); }
  size_t MachineOf(AgentId agent) const { return static_cast<size_t>(agent.value() - 1); }
  void Print(const std::string& what);

  const WorldOptions options_;
  Dice dice_;
  Outcome outcome_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);  // the world's
  Dice clock_dice_;
  SkewedClock hub_clock_;
  std::vector<SkewedClock> clocks_;  // of the machines
  bool healing_ = false;
  std::array<double, kFaults> chance_{};  // in percent, of each step or occasion

  Witness witness_;
  FakeStore store_;
  Hub hub_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<FakeAgent>> agents_;
  std::vector<bool> restarted_;  // the machine, since its agent last ran
  std::vector<std::unique_ptr<Connection>> connections_;
  int pipelines_left_ = 0;
  int64_t next_id_ = 1;
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_WORLD_H_
