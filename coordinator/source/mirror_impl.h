#ifndef GRANGE_COORDINATOR_SOURCE_MIRROR_IMPL_H_
#define GRANGE_COORDINATOR_SOURCE_MIRROR_IMPL_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"
#include "coordinator/source/bounded_cache.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/source/mirror_gate.h"

namespace grange::source {

// The inside of GitMirrors.
struct GitMirrors::Impl {
  static constexpr size_t kCommitCacheBytes = 4 << 20;
  static constexpr size_t kFileCacheBytes = 16 << 20;
  static constexpr size_t kPinCacheEntries = 10'000;

  explicit Impl(std::string mirrors_dir) : dir(std::move(mirrors_dir)) {}

  std::string PathOf(ProjectId project) const {
    return absl::StrCat(dir, "/", project.value(), ".git");
  }
  std::string HooksDir() const { return dir + "/hooks"; }

  // What is known of a project's mirror is kept under this and counts until something is taken away
  // from it: also what somebody has read before and puts there after.
  std::string KeyOf(ProjectId project) const ABSL_LOCKS_EXCLUDED(mu) {
    base::MutexLock lock(mu);
    const auto found = removals.find(project);
    return absl::StrCat(project.value(), ".", found == removals.end() ? 0 : found->second, "/");
  }
  void Forget(ProjectId project) ABSL_LOCKS_EXCLUDED(mu) {
    base::MutexLock lock(mu);
    ++removals[project];
  }

  const std::string dir;
  MirrorGate gate;
  mutable base::Mutex mu;
  std::map<ProjectId, uint64_t> removals ABSL_GUARDED_BY(mu);  // how often something was taken away
  std::set<ProjectId> ready ABSL_GUARDED_BY(mu);               // mirrors that exist
  BoundedCache<store::Commit> commits{kCommitCacheBytes};
  BoundedCache<std::string> files{kFileCacheBytes};
  BoundedCache<std::string> pins{kPinCacheEntries};  // ref -> the commit that it has
};

// Commands of `git update-ref --stdin` that keep `sha` alive for ever, whatever its branch does.
std::string KeepCommit(absl::string_view sha);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_MIRROR_IMPL_H_
