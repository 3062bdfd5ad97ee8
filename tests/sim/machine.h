#ifndef GRANGE_TESTS_SIM_MACHINE_H_
#define GRANGE_TESTS_SIM_MACHINE_H_

#include <map>

#include "absl/time/time.h"
#include "tests/sim/dice.h"
#include "tests/sim/witness.h"

namespace grange::sim {

// What an agent keeps on its disk about one attempt.
struct Record {
  schedule::JobReport::Phase phase = schedule::JobReport::Phase::kAccepted;
  Assignment assignment;
  Ending ending;  // when finished
};

// One process of grange-shim with its script: runs whether its agent lives or not.
struct Shim {
  size_t will_print = 0;
  int will_exit = 0;
  bool stop_on_disconnect = false;
  absl::Time lease;
  bool ended = false;  // its `result` is on the disk
  Ending ending;
};

// An agent's machine: the disk and the shims, which outlive the agent process.
class Machine {
 public:
  Machine(Witness& witness, Dice& dice) : witness_(witness), dice_(dice) {}

  // --- the disk
  std::map<AttemptId, Record> records;
  std::map<AttemptId, size_t> spools;  // bytes in each `log`
  uint64_t session_counter = 0;

  // --- the shims
  void Fork(const AttemptId& id, absl::Time lease);
  bool HasShim(const AttemptId& id) const { return shims_.contains(id); }
  const Shim* Find(const AttemptId& id) const;
  // A script prints something, or ends. False if no script runs.
  bool RunOne();
  // Ends the script now with this reason; nothing if it has ended.
  void Stop(const AttemptId& id, lifecycle::FailureReason reason);
  void Remove(const AttemptId& id);  // shim and folder
  void ExtendLeases(absl::Time lease);
  void CheckLeases(absl::Time now);
  void Restart();  // scripts are gone; what is on the disk, results too, stays
  void Wipe();     // the state directory is gone, and with it its jobs
  bool StopsOnDisconnect(const AttemptId& id) const {
    return witness_.job(id.job).stop_on_disconnect;
  }
  // The agent has written this down as the end of the attempt.
  void WroteEnd(const AttemptId& id, const Ending& ending) { witness_.AttemptEnds(id, ending); }
  bool IsQuiet() const { return shims_.empty() && records.empty(); }

 private:
  void End(const AttemptId& id, Shim& shim, lifecycle::FailureReason reason, int exit_code);

  Witness& witness_;
  Dice& dice_;
  std::map<AttemptId, Shim> shims_;
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_MACHINE_H_
