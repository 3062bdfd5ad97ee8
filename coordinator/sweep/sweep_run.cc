#include "coordinator/sweep/sweep_run.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/deadline.h"

namespace grange::sweep {
namespace {

// Of one transaction. A job with its plan, attempt and artifact is about four rows.
constexpr int kJobsAtOnce = 50;
constexpr size_t kPipelinesAtOnce = 25;
constexpr size_t kMarksAtOnce = 200;

using Removals = std::vector<const retention::Removal*>;

std::map<std::string, Removals> ByLimit(const std::vector<retention::Removal>& removals) {
  std::map<std::string, Removals> by_limit;
  for (const retention::Removal& removal : removals) by_limit[removal.limit].push_back(&removal);
  return by_limit;
}

}  // namespace

void SweptList::Add(retention::Kind kind, const retention::Removal& removal, uint64_t bytes,
                    absl::Time born) {
  Add({.kind = std::string(retention::KindName(kind)),
       .project = removal.project,
       .project_name = "",
       .limit = removal.limit,
       .count = 1,
       .bytes = bytes,
       .oldest = born});
}

void SweptList::Add(Swept swept) {
  Swept& line = lines_[{swept.kind, swept.project, swept.limit}];
  const uint64_t count = line.count + swept.count, bytes = line.bytes + swept.bytes;
  const absl::Time oldest = std::min(line.oldest, swept.oldest);
  line = std::move(swept);
  line.count = count;
  line.bytes = bytes;
  line.oldest = oldest;
}

std::vector<Swept> SweptList::Take(const std::map<ProjectId, std::string>& names) {
  std::vector<Swept> list;
  for (auto& [key, line] : lines_) {
    if (const auto name = names.find(line.project); name != names.end()) {
      line.project_name = name->second;
    }
    list.push_back(std::move(line));
  }
  lines_.clear();
  return list;
}

std::map<PipelineId, uint64_t> WholeBytes(const retention::Stock& stock,
                                          const retention::Plan& plan) {
  std::map<PipelineId, uint64_t> bytes;
  for (const retention::Removal& removal : plan.pipelines) {
    const retention::PipelineItem& item = stock.pipelines[removal.index];
    bytes[item.id] = item.bytes;
  }
  if (bytes.empty()) return bytes;
  const auto add = [&bytes](PipelineId pipeline, uint64_t more) {
    if (const auto found = bytes.find(pipeline); found != bytes.end()) found->second += more;
  };
  for (const retention::TraceItem& item : stock.traces) add(item.pipeline, item.bytes);
  for (const retention::ArtifactItem& item : stock.artifacts) add(item.pipeline, item.bytes);
  return bytes;
}

SweepRun::SweepRun(Parts parts, const retention::Stock& stock, const retention::Plan& plan,
                   absl::Time now, Pause pause)
    : parts_(parts),
      stock_(stock),
      plan_(plan),
      now_(now),
      pause_(std::move(pause)),
      whole_bytes_(WholeBytes(stock, plan)) {}

absl::Status SweepRun::Run() {
  GRANGE_RETURN_IF_ERROR(RemovePipelines());
  GRANGE_RETURN_IF_ERROR(RemoveTraces());
  return RemoveArtifacts();
}

absl::Status SweepRun::RemovePipelines() {
  for (size_t at = 0; at < plan_.pipelines.size() && !stopped_; at += kPipelinesAtOnce) {
    const size_t end = std::min(at + kPipelinesAtOnce, plan_.pipelines.size());
    std::vector<PipelineId> ids;
    for (size_t i = at; i < end; ++i) {
      ids.push_back(stock_.pipelines[plan_.pipelines[i].index].id);
    }
    const RemovalGate::Closed closed(parts_.gate, ids);
    std::vector<store::PipelineRemoval> batch;
    std::map<PipelineId, const retention::Removal*> removals;
    for (size_t i = at; i < end; ++i) {
      const retention::Removal& removal = plan_.pipelines[i];
      const PipelineId id = stock_.pipelines[removal.index].id;
      if (!closed.Has(id)) continue;  // somebody is bringing it back
      if (!CanGo(stock_.pipelines[removal.index])) continue;
      batch.push_back({.id = id, .limit = removal.limit});
      removals[id] = &removal;
    }
    // To the end even if we are to stop: one that is half gone holds up the next start.
    while (!batch.empty()) {
      const absl::Duration began = os::SinceBoot();
      GRANGE_ASSIGN_OR_RETURN(const store::RemovedPipelines removed,
                              parts_.store.RemovePipelines(batch, now_, kJobsAtOnce));
      const absl::Duration took = os::SinceBoot() - began;
      RemoveFiles(removed.files);
      for (const PipelineId id : removed.gone) {
        const retention::Removal& removal = *removals[id];
        swept_.Add(retention::Kind::kPipelines, removal, whole_bytes_[id],
                   stock_.pipelines[removal.index].ended);
      }
      batch.erase(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(removed.done.size()));
      if (!stopped_) stopped_ = !pause_(took);
    }
  }
  return absl::OkStatus();
}

bool SweepRun::CanGo(const retention::PipelineItem& item) const {
  if (!item.waiting) return true;
  if (!parts_.end_waiting) return false;
  const absl::Status ended = parts_.end_waiting(item.id);
  if (!ended.ok()) {
    log::Warning("waiting_pipeline_not_removed", {{"pipeline", item.id}, {"error", ended}});
  }
  return ended.ok();
}

absl::Status SweepRun::RemoveTraces() {
  for (const auto& [limit, removals] : ByLimit(plan_.traces)) {
    for (size_t at = 0; at < removals.size() && !stopped_; at += kMarksAtOnce) {
      const size_t end = std::min(at + kMarksAtOnce, removals.size());
      std::vector<store::TraceKey> keys;
      std::map<store::TraceKey, const retention::Removal*> wanted;
      for (size_t i = at; i < end; ++i) {
        const retention::TraceItem& item = stock_.traces[removals[i]->index];
        keys.emplace_back(item.job, item.attempt);
        wanted[keys.back()] = removals[i];
      }
      const absl::Duration began = os::SinceBoot();
      GRANGE_ASSIGN_OR_RETURN(const store::UnwantedFiles files,
                              parts_.store.MarkTracesRemoved(keys, limit, now_));
      const absl::Duration took = os::SinceBoot() - began;
      RemoveFiles(files);
      for (const store::TraceKey& key : files.traces) {
        const retention::TraceItem& item = stock_.traces[wanted[key]->index];
        swept_.Add(retention::Kind::kTraces, *wanted[key], item.bytes, item.ended);
      }
      stopped_ = !pause_(took);
    }
  }
  return absl::OkStatus();
}

absl::Status SweepRun::RemoveArtifacts() {
  for (const auto& [limit, removals] : ByLimit(plan_.artifacts)) {
    for (size_t at = 0; at < removals.size() && !stopped_; at += kMarksAtOnce) {
      const size_t end = std::min(at + kMarksAtOnce, removals.size());
      std::vector<std::string> ids;
      for (size_t i = at; i < end; ++i) {
        ids.push_back(stock_.artifacts[removals[i]->index].id);
      }
      const absl::Duration began = os::SinceBoot();
      GRANGE_ASSIGN_OR_RETURN(const store::UnwantedFiles files,
                              parts_.store.MarkArtifactsRemoved(ids, limit, now_));
      const absl::Duration took = os::SinceBoot() - began;
      RemoveFiles(files);
      const std::set<std::string> gone(files.marked.begin(), files.marked.end());
      for (size_t i = at; i < end; ++i) {
        const retention::ArtifactItem& item = stock_.artifacts[removals[i]->index];
        if (!gone.contains(item.id)) continue;
        swept_.Add(retention::Kind::kArtifacts, *removals[i], item.bytes, item.created);
      }
      stopped_ = !pause_(took);
    }
  }
  return absl::OkStatus();
}

void SweepRun::RemoveFiles(const store::UnwantedFiles& files) {
  for (const auto& [job, attempt] : files.traces) {
    const absl::Status removed = parts_.traces.Remove(job, attempt);
    // The next walk over all files tries again.
    if (!removed.ok()) log::Warning("trace_not_removed", {{"error", removed}});
  }
  for (const std::string& content : files.contents) {
    const absl::StatusOr<uint64_t> removed = parts_.artifacts.Remove(
        content, [this](const std::string& sha256) { return parts_.store.ContentInUse(sha256); });
    if (!removed.ok()) log::Warning("artifact_not_removed", {{"error", removed.status()}});
  }
}

absl::Status FinishRemovals(const SweepRun::Parts& parts, absl::Time now) {
  GRANGE_ASSIGN_OR_RETURN(std::vector<store::PipelineRemoval> half,
                          parts.store.HalfRemovedPipelines());
  while (!half.empty()) {
    GRANGE_ASSIGN_OR_RETURN(const store::RemovedPipelines removed,
                            parts.store.RemovePipelines(half, now, kJobsAtOnce));
    half.erase(half.begin(), half.begin() + static_cast<std::ptrdiff_t>(removed.done.size()));
  }
  return absl::OkStatus();
}

}  // namespace grange::sweep
