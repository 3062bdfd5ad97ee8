#include "coordinator/source/mirror_gate.h"

#include "common/os/deadline.h"

namespace grange::source {

bool MirrorGate::IsUsed(ProjectId project) const {
  return used_.contains(project) || used_.contains(ProjectId());
}

bool MirrorGate::IsClosed(ProjectId project) const {
  return project.is_set() ? closed_.contains(project) : !closed_.empty();
}

MirrorGate::Use::Use(MirrorGate& gate, ProjectId project) : gate_(gate), project_(project) {
  base::MutexLock lock(gate_.mu_);
  while (gate_.IsClosed(project_)) gate_.changed_.Wait(gate_.mu_);
  ++gate_.used_[project_];
}

MirrorGate::Use::~Use() {
  base::MutexLock lock(gate_.mu_);
  const auto found = gate_.used_.find(project_);
  if (--found->second > 0) return;
  gate_.used_.erase(found);
  gate_.changed_.SignalAll();
}

MirrorGate::Closed::Closed(MirrorGate& gate, ProjectId project, absl::Duration patience)
    : gate_(gate), project_(project) {
  const os::Deadline until(patience);
  base::MutexLock lock(gate_.mu_);
  while (gate_.IsUsed(project_) || gate_.IsClosed(project_)) {
    if (until.IsOver()) return;
    gate_.changed_.WaitWithTimeout(gate_.mu_, until.Left());
  }
  gate_.closed_.insert(project_);
  ok_ = true;
}

MirrorGate::Closed::~Closed() {
  if (!ok_) return;
  base::MutexLock lock(gate_.mu_);
  gate_.closed_.erase(project_);
  gate_.changed_.SignalAll();
}

}  // namespace grange::source
