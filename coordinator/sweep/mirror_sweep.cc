#include "coordinator/sweep/mirror_sweep.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace grange::sweep {
namespace {

using retention::Kind;

// A warning before a size limit begins to remove things.
constexpr double kNearly = 0.9;

std::string BySize(uint64_t limit) {
  return absl::StrCat("mirrors-size ", retention::BytesText(limit));
}

}  // namespace

MirrorSweep::MirrorSweep(Parts parts, const retention::Policy& policy,
                         const std::map<ProjectId, std::string>& names, absl::Time now,
                         bool dry_run, std::function<bool()> go_on)
    : parts_(parts),
      policy_(policy),
      names_(names),
      now_(now),
      dry_run_(dry_run),
      go_on_(std::move(go_on)) {}

void MirrorSweep::Run(SweptList& swept) {
  for (const ProjectId project : parts_.mirrors.OnDisk()) {
    if (!go_on_()) return;
    const retention::Limit limit = policy_.Of(Kind::kMirrors, project);
    left_[project] = Shrink(project, limit.age, false,
                            absl::StrCat("keep-mirrors ", retention::AgeText(limit.age)), swept);
    ShrinkToSize(project, limit.bytes, swept);
  }
  ShrinkAllToSize(swept);
}

void MirrorSweep::ShrinkToSize(ProjectId project, uint64_t limit, SweptList& swept) {
  if (left_[project] > limit) {
    left_[project] = Shrink(project, absl::ZeroDuration(), true, BySize(limit), swept);
  }
  SayNear(project, left_[project], limit);
}

// How much a mirror gives back isn't known before.
void MirrorSweep::ShrinkAllToSize(SweptList& swept) {
  const uint64_t limit = policy_.farm.Of(Kind::kMirrors).bytes;
  std::vector<std::pair<uint64_t, ProjectId>> largest;
  uint64_t all = 0;
  for (const auto& [project, bytes] : left_) {
    largest.emplace_back(bytes, project);
    all += bytes;
  }
  std::sort(largest.rbegin(), largest.rend());
  for (const auto& [bytes, project] : largest) {
    if (all <= limit || !go_on_()) break;
    all -= std::min(all, left_[project]);
    left_[project] = Shrink(project, absl::ZeroDuration(), true, BySize(limit), swept);
    all += left_[project];
  }
  SayNear(ProjectId(), all, limit);
}

uint64_t MirrorSweep::Shrink(ProjectId project, absl::Duration keep, bool thorough,
                             const std::string& limit, SweptList& swept) {
  const absl::StatusOr<source::GitMirrors::Shrunk> shrunk = parts_.mirrors.Shrink(
      project, {.wanted = [this, project] { return parts_.store.CommitsOf(project); },
                .now = now_,
                .keep = keep,
                .thorough = thorough,
                .dry_run = dry_run_,
                .go_on = go_on_});
  const absl::Status problem = shrunk.ok() ? shrunk->rest : shrunk.status();
  if (!problem.ok() && !absl::IsCancelled(problem)) {
    log::Warning("mirror_not_shrunk", {{"project", project}, {"error", problem}});
  }
  if (!shrunk.ok()) return parts_.mirrors.BytesOf(project);
  next_ = std::min(next_, shrunk->next);
  if (shrunk->commits > 0 || shrunk->bytes > 0) {
    swept.Add({.kind = std::string(retention::KindName(Kind::kMirrors)),
               .project = project,
               .project_name = "",
               .limit = limit,
               .count = shrunk->commits,
               .bytes = shrunk->bytes,
               .oldest = std::min(shrunk->oldest, now_)});
  }
  return shrunk->left - (dry_run_ ? std::min(shrunk->left, shrunk->bytes) : 0);
}

void MirrorSweep::SayNear(ProjectId project, uint64_t bytes, uint64_t limit) const {
  if (dry_run_ || limit == retention::kNoBytesLimit) return;
  const auto name = names_.find(project);
  const bool over = bytes > limit;
  if (!over && static_cast<double>(bytes) <= kNearly * static_cast<double>(limit)) return;
  if (over) {
    log::Warning("over_limit",
                 {{"kind", retention::KindName(Kind::kMirrors)},
                  {"project", name == names_.end() ? "" : name->second},
                  {"bytes", bytes},
                  {"limit", limit},
                  {"why",
                   "all commits that are left are of pipelines that are there, or were just "
                   "pushed"}});
    return;
  }
  log::Warning("near_limit", {{"kind", retention::KindName(Kind::kMirrors)},
                              {"project", name == names_.end() ? "" : name->second},
                              {"bytes", bytes},
                              {"limit", limit}});
}

}  // namespace grange::sweep
