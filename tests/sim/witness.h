#ifndef GRANGE_TESTS_SIM_WITNESS_H_
#define GRANGE_TESTS_SIM_WITNESS_H_

#include <map>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "coordinator/schedule/decision.h"
#include "coordinator/schedule/event.h"
#include "tests/sim/messages.h"

namespace grange::sim {

// The bytes that an attempt prints.
std::string TraceOf(const AttemptId& id, size_t bytes);

// Sees everything and believes nobody: knows which scripts really started and how they ended, and
// compares that with what the coordinator commits. The promises P1 … P6 are those of
// docs/formats/agent-protocol.md §1.
class Witness {
 public:
  void KnowsJob(const schedule::JobNode& job) { jobs_[job.id] = job; }
  const schedule::JobNode& job(JobId id) const { return jobs_.at(id); }

  // --- on the machines
  void ScriptStarts(const AttemptId& id);
  void ScriptStops(const AttemptId& id);
  void AttemptEnds(const AttemptId& id, const Ending& ending) { endings_.emplace(id, ending); }

  // --- at the coordinator
  void PersonAsksToRun(JobId job) { ++asked_[job]; }
  // A person was told that the agent drains, or has asked for its end: in between nothing is
  // granted to it (§9).
  void Drains(AgentId agent) { draining_.insert(agent); }
  void DrainEnds(AgentId agent) { draining_.erase(agent); }
  // What was asked and not yet committed is lost.
  void HubCrashed() { asked_.clear(); }
  // A row is committed over `before`; `trace` is what is durable of the attempt's trace, null if
  // it was never granted.
  void Committed(const schedule::StoreJob& before, const schedule::StoreJob& row,
                 const std::string* trace);

  void Fail(absl::string_view what);
  // How much has happened: a simulation in which nothing runs proves nothing.
  struct Tally {
    int scripts = 0;                               // started
    std::map<lifecycle::FailureReason, int> ends;  // of attempts, as committed
  };
  const Tally& tally() const { return tally_; }

  // The first broken promise; "" so far.
  const std::string& violation() const { return violation_; }

 private:
  void CheckGrant(const schedule::StoreJob& before, const schedule::StoreJob& row);
  void CheckNewAttempt(const schedule::StoreJob& before, const schedule::StoreJob& row);
  void CheckEnd(const schedule::StoreJob& row, const std::string& trace);

  std::map<JobId, schedule::JobNode> jobs_;
  std::map<AttemptId, int> starts_;
  std::set<AttemptId> running_;
  std::map<AttemptId, Ending> endings_;
  std::map<AttemptId, schedule::StoreJob> ended_;  // as committed first
  std::map<JobId, int> asked_;
  std::set<AgentId> draining_;
  Tally tally_;
  std::string violation_;
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_WITNESS_H_
