#include "coordinator/session/trace_gate.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace grange::session {

void TraceGate::Limit(const Assignment& assignment, uint64_t trace_limit_bytes) {
  base::MutexLock lock(mu_);
  limits_[assignment.job] = {.assignment = assignment, .bytes = trace_limit_bytes + kOwnWordsMax};
}

absl::Status TraceGate::CheckBytes(const Assignment& assignment, uint64_t bytes) const {
  base::MutexLock lock(mu_);
  const auto found = limits_.find(assignment.job);
  if (found == limits_.end() || found->second.assignment != assignment ||
      bytes <= found->second.bytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the output of ", assignment.ToString(), " goes beyond the ",
                   found->second.bytes, " bytes that its limit and an agent's own words may have"));
}

void TraceGate::Open(const Assignment& assignment, AgentId agent) {
  base::MutexLock lock(mu_);
  Holder& holder = open_[assignment.job];
  if (holder.assignment != assignment || holder.agent != agent) holder.note.clear();
  holder.assignment = assignment;
  holder.agent = agent;
}

void TraceGate::Close(JobId job) {
  base::MutexLock lock(mu_);
  open_.erase(job);
  limits_.erase(job);
}

bool TraceGate::Allows(const Assignment& assignment, AgentId agent) const {
  base::MutexLock lock(mu_);
  const auto found = open_.find(assignment.job);
  return found != open_.end() && found->second.assignment == assignment &&
         found->second.agent == agent;
}

bool TraceGate::SetNote(const Assignment& assignment, AgentId agent, std::string note) {
  base::MutexLock lock(mu_);
  const auto found = open_.find(assignment.job);
  if (found == open_.end() || found->second.assignment != assignment ||
      found->second.agent != agent || found->second.note == note) {
    return false;
  }
  found->second.note = std::move(note);
  return true;
}

std::string TraceGate::NoteOf(JobId job) const {
  base::MutexLock lock(mu_);
  const auto found = open_.find(job);
  return found == open_.end() ? "" : found->second.note;
}

}  // namespace grange::session
