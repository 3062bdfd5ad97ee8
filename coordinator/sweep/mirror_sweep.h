#ifndef GRANGE_COORDINATOR_SWEEP_MIRROR_SWEEP_H_
#define GRANGE_COORDINATOR_SWEEP_MIRROR_SWEEP_H_

#include <functional>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "coordinator/retention/limits.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/store/store.h"
#include "coordinator/sweep/sweep_run.h"

namespace grange::sweep {

// The limits of the projects' sources: commits that no pipeline has any more go when they are old
// enough, or at once where there are too many bytes, the largest mirror first. What goes wrong with
// one mirror is logged, and holds up no other. One use.
class MirrorSweep {
 public:
  struct Parts {
    store::Store& store;
    source::GitMirrors& mirrors;
  };
  MirrorSweep(Parts parts, const retention::Policy& policy,
              const std::map<ProjectId, std::string>& names, absl::Time now, bool dry_run,
              std::function<bool()> go_on);

  // Adds what went to `swept`, or what would go. Blocks for as long as git takes.
  void Run(SweptList& swept);

  // After Run(): when something is due by its age.
  absl::Time next() const { return next_; }

 private:
  // Takes away what has been unwanted for `keep`. The bytes that are left.
  uint64_t Shrink(ProjectId project, absl::Duration keep, bool thorough, const std::string& limit,
                  SweptList& swept);
  void ShrinkToSize(ProjectId project, uint64_t limit, SweptList& swept);
  void ShrinkAllToSize(SweptList& swept);
  // Warns if it is near its limit, or over it although all must stay.
  void SayNear(ProjectId project, uint64_t bytes, uint64_t limit) const;

  const Parts parts_;
  const retention::Policy& policy_;
  const std::map<ProjectId, std::string>& names_;
  const absl::Time now_;
  const bool dry_run_;
  const std::function<bool()> go_on_;
  std::map<ProjectId, uint64_t> left_;  // bytes
  absl::Time next_ = absl::InfiniteFuture();
};

}  // namespace grange::sweep

#endif  // GRANGE_COORDINATOR_SWEEP_MIRROR_SWEEP_H_
