#include "coordinator/session/trace_gate.h"

namespace grange::session {

void TraceGate::Open(const Assignment& assignment, AgentId agent) {
  base::MutexLock lock(mu_);
  open_[assignment.job] = {.assignment = assignment, .agent = agent};
}

void TraceGate::Close(JobId job) {
  base::MutexLock lock(mu_);
  open_.erase(job);
}

bool TraceGate::Allows(const Assignment& assignment, AgentId agent) const {
  base::MutexLock lock(mu_);
  const auto found = open_.find(assignment.job);
  return found != open_.end() && found->second.assignment == assignment &&
         found->second.agent == agent;
}

}  // namespace grange::session
