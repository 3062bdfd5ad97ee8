#include "tests/sim/machine.h"

#include <algorithm>
#include <vector>

namespace grange::sim {

using lifecycle::FailureReason;

void Machine::Fork(const AttemptId& id, absl::Time lease) {
  witness_.ScriptStarts(id);
  Shim& shim = shims_[id];
  shim.will_print = dice_.Below(160);
  shim.will_exit = dice_.Percent(70) ? 0 : dice_.Percent(50) ? 1 : 42;
  shim.stop_on_disconnect = witness_.job(id.job).stop_on_disconnect;
  shim.lease = lease;
  spools[id] = 0;
}

const Shim* Machine::Find(const AttemptId& id) const {
  const auto found = shims_.find(id);
  return found == shims_.end() ? nullptr : &found->second;
}

bool Machine::RunOne() {
  std::vector<std::pair<const AttemptId, Shim>*> running;
  for (auto& entry : shims_) {
    if (!entry.second.ended) running.push_back(&entry);
  }
  if (running.empty()) return false;
  auto& [id, shim] = *running[dice_.Below(running.size())];
  size_t& spool = spools[id];
  if (spool < shim.will_print) {
    spool = std::min(shim.will_print, spool + 1 + dice_.Below(30));
  } else {
    End(id, shim, shim.will_exit == 0 ? FailureReason::kNone : FailureReason::kScriptFailure,
        shim.will_exit);
  }
  return true;
}

void Machine::Stop(const AttemptId& id, FailureReason reason) {
  const auto found = shims_.find(id);
  if (found == shims_.end() || found->second.ended) return;
  End(id, found->second, reason, 0);
}

void Machine::Remove(const AttemptId& id) {
  if (shims_.erase(id) > 0) witness_.ScriptStops(id);
  spools.erase(id);
  records.erase(id);
}

void Machine::ExtendLeases(absl::Time lease) {
  for (auto& [id, shim] : shims_) shim.lease = std::max(shim.lease, lease);
}

void Machine::CheckLeases(absl::Time now) {
  for (auto& [id, shim] : shims_) {
    if (shim.stop_on_disconnect && !shim.ended && now >= shim.lease) {
      End(id, shim, FailureReason::kLeaseLost, 0);
    }
  }
}

void Machine::Restart() {
  for (const auto& [id, shim] : shims_) witness_.ScriptStops(id);
  // A result that a shim has written is on the disk and is found there; the others are gone.
  std::erase_if(shims_, [](const auto& entry) { return !entry.second.ended; });
}

// The counter of sessions stays: an operator has reset it, or the agent could not come back.
void Machine::Wipe() {
  for (const auto& [id, shim] : shims_) witness_.ScriptStops(id);
  shims_.clear();
  records.clear();
  spools.clear();
}

void Machine::End(const AttemptId& id, Shim& shim, FailureReason reason, int exit_code) {
  shim.ended = true;
  shim.ending = {reason, exit_code, spools[id]};
  witness_.ScriptStops(id);
}

}  // namespace grange::sim
