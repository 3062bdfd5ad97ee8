#ifndef GRANGE_TESTS_CHAOS_INJECTOR_H_
#define GRANGE_TESTS_CHAOS_INJECTOR_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/os/unique_fd.h"
#include "tests/chaos/chaos_farm.h"
#include "tests/chaos/excuses.h"
#include "tests/chaos/fault_plan.h"
#include "tests/chaos/ledger.h"
#include "tests/support/injection.h"

namespace grange::chaos {

// Does the faults of a plan to a farm, one after the other, undoes them, and starts again what
// they killed. One thread, that of the farm.
class Injector {
 public:
  Injector(ChaosFarm& chaos, const Abilities& abilities, Excuses& excuses, Ledger& ledger);

  // Waits for the fault's moment, does it, undoes it. If it is to settle, waits until all is well.
  void Do(const Fault& fault);

 private:
  // A job's shim that runs now.
  struct Shim {
    std::string agent, folder;  // "agent-1", "12-1"
    os::UniqueFd process;
    pid_t pid = 0;
  };

  // Until all is well, from `since` on, after a fault of this kind.
  void Settle(FaultKind kind, absl::Time since);
  // Whether the coordinator knows that the attempt of the shim that was killed last has ended.
  bool KilledAttemptHasEnded();
  // "", or why it could not be done.
  std::string Strike(const Fault& fault);
  std::string StrikeLink(const Fault& fault);
  std::string StrikeNetwork(const Fault& fault);
  std::string StrikeDisk(const Fault& fault);
  std::string StrikeShim(const Fault& fault);
  std::string KillAtCall(const Fault& fault);
  std::string FailCalls(const Fault& fault);

  void KillCoordinator();
  void KillAgent(const std::string& agent);
  void StartCoordinator();
  void StartAgent(const std::string& agent);
  void Pause(test::Program& program, absl::Duration lasts);
  // Starts again what is not running. `allowed`: the fault may have ended it.
  void Revive(bool allowed);
  std::optional<Shim> FindShim(uint64_t choice);
  std::vector<Shim> Shims();
  const std::string& AgentOf(const Fault& fault) const;
  size_t AgentNumberOf(const Fault& fault) const;
  std::string TracePath(const Fault& fault);

  ChaosFarm& chaos_;
  test::Farm& farm_;
  const Abilities& abilities_;
  Excuses& excuses_;
  Ledger& ledger_;
  std::string killed_;  // the folder of the job whose shim was killed; "" once its end is known
};

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_INJECTOR_H_
