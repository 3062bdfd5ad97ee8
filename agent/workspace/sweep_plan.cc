#include "agent/workspace/sweep_plan.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace grange::workspace {
namespace {

std::vector<size_t> OldestFirst(const std::vector<KeptFolder>& folders, KeptKind kind) {
  std::vector<size_t> order;
  for (size_t i = 0; i < folders.size(); ++i) {
    if (folders[i].kind == kind) order.push_back(i);
  }
  std::ranges::sort(order, {},
                    [&](size_t i) { return std::tie(folders[i].last_use, folders[i].path); });
  return order;
}

// Beside those that are in use `must_stay` names some that stay, `must_go` some that go.
std::vector<size_t> PlanKind(const std::vector<KeptFolder>& folders, KeptKind kind,
                             const KeepLimit& limit, absl::Time now,
                             const std::set<std::string>& must_stay,
                             const std::set<std::string>& must_go) {
  const std::vector<size_t> order = OldestFirst(folders, kind);
  uint64_t bytes = 0;
  for (const size_t i : order) {
    if (must_go.count(folders[i].mirror) == 0 || folders[i].in_use) bytes += folders[i].bytes;
  }
  std::vector<size_t> gone;
  for (const size_t i : order) {
    const KeptFolder& folder = folders[i];
    if (folder.in_use || must_stay.count(folder.path) > 0) continue;
    if (must_go.count(folder.mirror) > 0) {
      gone.push_back(i);
    } else if (now - folder.last_use > limit.age || bytes > limit.bytes) {
      gone.push_back(i);
      bytes -= folder.bytes;
    }
  }
  return gone;
}

}  // namespace

absl::string_view KeptKindName(KeptKind kind) {
  switch (kind) {
    case KeptKind::kWorkTree:
      return "work_trees";
    case KeptKind::kMirror:
      return "mirrors";
  }
  return "";
}

const KeepLimit& KeepLimits::Of(KeptKind kind) const {
  return kind == KeptKind::kWorkTree ? work_trees : mirrors;
}

std::vector<size_t> PlanSweep(const std::vector<KeptFolder>& folders, const KeepLimits& limits,
                              absl::Time now) {
  std::set<std::string> borrowed;
  for (const KeptFolder& folder : folders) {
    if (folder.in_use && !folder.mirror.empty()) borrowed.insert(folder.mirror);
  }
  const std::vector<size_t> mirrors =
      PlanKind(folders, KeptKind::kMirror, limits.mirrors, now, borrowed, {});
  std::set<std::string> gone;
  for (const size_t i : mirrors) gone.insert(folders[i].path);
  std::vector<size_t> all =
      PlanKind(folders, KeptKind::kWorkTree, limits.work_trees, now, {}, gone);
  all.insert(all.end(), mirrors.begin(), mirrors.end());
  return all;
}

}  // namespace grange::workspace
