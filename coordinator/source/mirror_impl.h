#ifndef GRANGE_COORDINATOR_SOURCE_MIRROR_IMPL_H_
#define GRANGE_COORDINATOR_SOURCE_MIRROR_IMPL_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "coordinator/source/bounded_cache.h"
#include "coordinator/source/git_mirror.h"

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

  const std::string dir;
  base::Mutex mu;
  std::set<ProjectId> ready ABSL_GUARDED_BY(mu);  // mirrors that exist
  BoundedCache<store::Commit> commits{kCommitCacheBytes};
  BoundedCache<std::string> files{kFileCacheBytes};
  BoundedCache<std::string> pins{kPinCacheEntries};  // ref -> the commit that it has
};

// Commands of `git update-ref --stdin` that keep `sha` alive for ever, whatever its branch does.
std::string KeepCommit(absl::string_view sha);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_MIRROR_IMPL_H_
