#include "coordinator/retention/decide.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace grange::retention {
namespace {

// Something of one kind that may go.
struct Candidate {
  size_t index = 0;
  ProjectId project;
  absl::Time born;
  absl::Time due;           // by age; InfiniteFuture: never
  const char* due_by = "";  // "keep-traces", or "expire_in" where it has an age of its own
  uint64_t bytes = 0;
  bool stays = false;  // whatever its age, and however little space there is
  bool stays_by_size = false;
  bool gone = false;
};

struct Standing {
  const PipelineItem* item = nullptr;
  bool in_use = false;            // runs, or is pinned
  bool newest = false;            // of its ref
  bool newest_succeeded = false;  // of those of its ref that succeeded
  absl::Time held_until = absl::InfinitePast();
  bool gone = false;
};
using Standings = absl::flat_hash_map<PipelineId, Standing>;

Standings StandingsOf(const Stock& stock) {
  Standings standings;
  standings.reserve(stock.pipelines.size());
  using Ref = std::tuple<ProjectId, bool, absl::string_view>;
  struct Newest {
    PipelineId any, succeeded;
  };
  std::map<Ref, Newest> refs;
  for (const PipelineItem& item : stock.pipelines) {
    Newest& newest = refs[{item.project, item.is_tag, item.ref_name}];
    newest.any = std::max(newest.any, item.id);
    if (item.succeeded) newest.succeeded = std::max(newest.succeeded, item.id);
    standings[item.id] = {.item = &item, .in_use = !item.finished || item.pinned};
  }
  for (const auto& [ref, newest] : refs) {
    standings[newest.any].newest = true;
    if (newest.succeeded.is_set()) standings[newest.succeeded].newest_succeeded = true;
  }
  for (const ArtifactItem& artifact : stock.artifacts) {
    const auto found = standings.find(artifact.pipeline);
    if (found == standings.end() || !artifact.expires.has_value()) continue;
    found->second.held_until = std::max(found->second.held_until, *artifact.expires);
  }
  return standings;
}

absl::Time DueAt(absl::Time born, absl::Duration age) {
  return age == absl::InfiniteDuration() ? absl::InfiniteFuture() : born + age;
}

// One kind: what is due, then what is too much.
class Sieve {
 public:
  Sieve(Kind kind, const Policy& policy, absl::Time now, Plan& plan)
      : kind_(kind), policy_(policy), now_(now), plan_(plan) {}

  void Add(Candidate candidate) { candidates_.push_back(std::move(candidate)); }

  // What goes, oldest first.
  std::vector<Removal> Run() {
    std::sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.born, a.index) < std::tie(b.born, b.index);
    });
    std::vector<Removal> removals;
    for (Candidate& candidate : candidates_) {
      if (candidate.stays) continue;
      if (candidate.due > now_) {
        plan_.next = std::min(plan_.next, candidate.due);
      } else {
        Remove(candidate, ByAge(candidate), removals);
      }
    }
    std::map<ProjectId, uint64_t> bytes;
    uint64_t all = 0;
    for (const Candidate& candidate : candidates_) {
      if (candidate.gone) continue;
      bytes[candidate.project] += candidate.bytes;
      all += candidate.bytes;
    }
    for (const auto& [project, used] : bytes) {
      all -= MakeRoom(project, used, policy_.Of(kind_, project).bytes, removals);
    }
    MakeRoom(ProjectId(), all, policy_.farm.Of(kind_).bytes, removals);
    std::sort(removals.begin(), removals.end(),
              [this](const auto& a, const auto& b) { return place_[a.index] < place_[b.index]; });
    return removals;
  }

 private:
  std::string ByAge(const Candidate& candidate) const {
    if (candidate.due_by[0] == 'e') return candidate.due_by;  // expire_in
    return absl::StrCat(candidate.due_by, " ", AgeText(policy_.Of(kind_, candidate.project).age));
  }

  void Remove(Candidate& candidate, std::string limit, std::vector<Removal>& removals) {
    candidate.gone = true;
    place_[candidate.index] = static_cast<size_t>(&candidate - candidates_.data());
    removals.push_back(
        {.index = candidate.index, .project = candidate.project, .limit = std::move(limit)});
  }

  // Of one project, or of all. Returns how many bytes go.
  uint64_t MakeRoom(ProjectId project, uint64_t used, uint64_t limit,
                    std::vector<Removal>& removals) {
    if (used <= limit) return 0;
    uint64_t left = used;
    const std::string text = absl::StrCat(KindName(kind_), "-size ", BytesText(limit));
    for (Candidate& candidate : candidates_) {
      if (left <= limit) break;
      const bool ours = !project.is_set() || candidate.project == project;
      if (!ours || candidate.gone || candidate.stays || candidate.stays_by_size) continue;
      left -= candidate.bytes;
      Remove(candidate, text, removals);
    }
    if (left > limit) {
      plan_.crowded.push_back({.kind = kind_, .project = project, .bytes = left, .limit = limit});
    }
    return used - left;
  }

  const Kind kind_;
  const Policy& policy_;
  const absl::Time now_;
  Plan& plan_;
  std::vector<Candidate> candidates_;
  absl::flat_hash_map<size_t, size_t> place_;  // by index: where it stands by age
};

std::vector<Removal> Pipelines(const Stock& stock, const Policy& policy, absl::Time now,
                               const Standings& standings, Plan& plan) {
  Sieve sieve(Kind::kPipelines, policy, now, plan);
  for (size_t i = 0; i < stock.pipelines.size(); ++i) {
    const PipelineItem& item = stock.pipelines[i];
    const Standing& standing = standings.at(item.id);
    const absl::Duration age = policy.Of(Kind::kPipelines, item.project).age;
    sieve.Add({.index = i,
               .project = item.project,
               .born = item.ended,
               .due = std::max(DueAt(item.ended, age), standing.held_until),
               .due_by = "keep-pipelines",
               .bytes = item.bytes,
               .stays = (item.waiting ? item.pinned : standing.in_use) || standing.newest ||
                        standing.newest_succeeded,
               .stays_by_size = standing.held_until > now || item.waiting});
  }
  return sieve.Run();
}

std::vector<Removal> Traces(const Stock& stock, const Policy& policy, absl::Time now,
                            const Standings& standings, Plan& plan) {
  Sieve sieve(Kind::kTraces, policy, now, plan);
  for (size_t i = 0; i < stock.traces.size(); ++i) {
    const TraceItem& item = stock.traces[i];
    const auto found = standings.find(item.pipeline);
    if (found == standings.end() || found->second.gone) continue;
    const Standing& standing = found->second;
    const ProjectId project = standing.item->project;
    sieve.Add({.index = i,
               .project = project,
               .born = item.ended,
               .due = DueAt(item.ended, policy.Of(Kind::kTraces, project).age),
               .due_by = "keep-traces",
               .bytes = item.bytes,
               .stays = standing.in_use || standing.newest || standing.newest_succeeded});
  }
  return sieve.Run();
}

std::vector<Removal> Artifacts(const Stock& stock, const Policy& policy, absl::Time now,
                               const Standings& standings, Plan& plan) {
  Sieve sieve(Kind::kArtifacts, policy, now, plan);
  for (size_t i = 0; i < stock.artifacts.size(); ++i) {
    const ArtifactItem& item = stock.artifacts[i];
    const auto found = standings.find(item.pipeline);
    if (found == standings.end() || found->second.gone) continue;
    const Standing& standing = found->second;
    const ProjectId project = standing.item->project;
    sieve.Add({.index = i,
               .project = project,
               .born = item.created,
               .due = item.expires.value_or(
                   DueAt(item.created, policy.Of(Kind::kArtifacts, project).age)),
               .due_by = item.expires.has_value() ? "expire_in" : "keep-artifacts",
               .bytes = item.bytes,
               .stays = standing.in_use || standing.newest_succeeded,
               .stays_by_size = item.expires == absl::InfiniteFuture()});
  }
  return sieve.Run();
}

}  // namespace

Plan Decide(const Stock& stock, const Policy& policy, absl::Time now) {
  Plan plan;
  Standings standings = StandingsOf(stock);
  plan.pipelines = Pipelines(stock, policy, now, standings, plan);
  for (const Removal& removal : plan.pipelines) {
    standings[stock.pipelines[removal.index].id].gone = true;
  }
  plan.traces = Traces(stock, policy, now, standings, plan);
  plan.artifacts = Artifacts(stock, policy, now, standings, plan);
  return plan;
}

}  // namespace grange::retention
