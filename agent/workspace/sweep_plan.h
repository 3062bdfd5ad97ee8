#ifndef GRANGE_AGENT_WORKSPACE_SWEEP_PLAN_H_
#define GRANGE_AGENT_WORKSPACE_SWEEP_PLAN_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Which of the folders that an agent keeps for later jobs go. Pure.
namespace grange::workspace {

enum class KeptKind { kWorkTree, kMirror };
absl::string_view KeptKindName(KeptKind kind);  // "work_trees", "mirrors"

struct KeptFolder {
  KeptKind kind = KeptKind::kWorkTree;
  std::string path;
  absl::Time last_use;
  uint64_t bytes = 0;  // only where its kind has a size limit
  std::string mirror;  // of a work tree: the mirror that its repository borrows from, or ""
  bool in_use = false;
};

inline constexpr uint64_t kNoSizeLimit = std::numeric_limits<uint64_t>::max();

// Either one is enough to be removed.
struct KeepLimit {
  absl::Duration age = absl::InfiniteDuration();  // since the last use
  uint64_t bytes = kNoSizeLimit;                  // of all of one kind together
};

struct KeepLimits {
  KeepLimit work_trees{.age = absl::Hours(30 * 24)};
  KeepLimit mirrors{.age = absl::Hours(90 * 24)};

  const KeepLimit& Of(KeptKind kind) const;
};

// Indexes of what goes at `now`: work trees, then mirrors, those that were used the longest time
// ago first; equal input gives equal output. Goes by age, or while its kind has more bytes than it
// may. What is in use stays, and a mirror that it borrows from; its bytes count all the same. Idle
// work trees go with the mirror that they borrow from: without it their history is broken.
std::vector<size_t> PlanSweep(const std::vector<KeptFolder>& folders, const KeepLimits& limits,
                              absl::Time now);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_SWEEP_PLAN_H_
