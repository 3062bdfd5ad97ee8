#ifndef GRANGE_COORDINATOR_SOURCE_MIRROR_GATE_H_
#define GRANGE_COORDINATOR_SOURCE_MIRROR_GATE_H_

#include <map>
#include <set>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "common/base/mutex.h"

namespace grange::source {

// What a submit has found in a mirror must be there until its pipeline is stored, and what a push
// builds upon until its ref is there: while somebody relies on a mirror nothing is taken away from
// it, and while something is taken away others wait. Thread-safe.
class MirrorGate {
 public:
  // Relies on one project's mirror, or (a project that isn't set) on all of them. Several may at
  // the same time. Waits while something is taken away: moments.
  class Use {
   public:
    Use(MirrorGate& gate, ProjectId project);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    MirrorGate& gate_;
    const ProjectId project_;
  };

  // For who takes away: has the project's mirror for itself until it goes, if there was a moment
  // within `patience` when nobody relied on it. Others may begin to while this one waits.
  class Closed {
   public:
    Closed(MirrorGate& gate, ProjectId project, absl::Duration patience);
    ~Closed();
    Closed(const Closed&) = delete;
    Closed& operator=(const Closed&) = delete;
    bool ok() const { return ok_; }

   private:
    MirrorGate& gate_;
    const ProjectId project_;
    bool ok_ = false;
  };

 private:
  bool IsUsed(ProjectId project) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsClosed(ProjectId project) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable base::Mutex mu_;
  base::CondVar changed_;
  std::map<ProjectId, int> used_ ABSL_GUARDED_BY(mu_);
  std::set<ProjectId> closed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_MIRROR_GATE_H_
