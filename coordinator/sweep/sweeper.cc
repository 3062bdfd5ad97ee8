#include "coordinator/sweep/sweeper.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/deadline.h"
#include "coordinator/sweep/mirror_sweep.h"
#include "coordinator/sweep/stray_files.h"

namespace grange::sweep {
namespace {

using retention::Kind;

constexpr int kAuditAtOnce = 500;
// A warning before a size limit begins to remove things.
constexpr double kNearly = 0.9;
// A kind that is over its limit although all of it must stay isn't looked at again with each byte.
constexpr uint64_t kRoomMin = 1 << 20;
// So long after Grew() the rows have it, at the latest.
constexpr absl::Duration kNotYetInRows = absl::Seconds(5);
constexpr Kind kOfPipelines[] = {Kind::kPipelines, Kind::kTraces, Kind::kArtifacts};

template <typename Items, typename Each>
void ForEachKept(const Items& items, const std::vector<retention::Removal>& removals,
                 const Each& each) {
  std::vector<bool> gone(items.size(), false);
  for (const retention::Removal& removal : removals) gone[removal.index] = true;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!gone[i]) each(items[i]);
  }
}

}  // namespace

Sweeper::Sweeper(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      started_at_(parts.clock.Now()),
      started_since_boot_(parts.clock.SinceBoot()),
      due_(started_at_ + options_.first_after) {}

void Sweeper::Start() {
  thread_ = std::thread([this] { Loop(); });
}

Sweeper::~Sweeper() {
  {
    base::MutexLock lock(mu_);
    ending_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Sweeper::Grew(Kind kind, uint64_t bytes, std::optional<absl::Time> expires) {
  const absl::Time now = Now();
  base::MutexLock lock(mu_);
  absl::Time due = absl::InfiniteFuture();
  if (expires.has_value()) {
    due = *expires;
  } else if (const auto age = shortest_.find(kind); age != shortest_.end()) {
    due = now + age->second;
  }
  std::map<int64_t, uint64_t>& recent = recent_[kind];
  recent[absl::ToUnixSeconds(now)] += bytes;
  recent.erase(
      recent.begin(),
      recent.lower_bound(absl::ToUnixSeconds(std::min(now, reading_since_) - kNotYetInRows)));
  const auto room = room_.find(kind);
  if (room != room_.end()) {
    room->second -= std::min(bytes, room->second);
    if (room->second == 0) due = now;
  }
  due = std::max(due, last_ + options_.apart);
  if (due >= due_) return;
  due_ = due;
  changed_.SignalAll();
}

Sweeper::Times Sweeper::times() const {
  base::MutexLock lock(mu_);
  return {.last = last_, .next = due_};
}

// What stays of each kind and project.
Sweeper::Kept Sweeper::WhatStays(const Decided& decided) {
  const retention::Stock& stock = decided.stock;
  const retention::Plan& plan = decided.plan;
  Kept kept;
  const auto add = [&kept](Kind kind, ProjectId project, absl::Time born, uint64_t bytes) {
    KeptSum& sum = kept[{kind, project}];
    sum.bytes += bytes;
    sum.oldest = std::min(sum.oldest, born);
  };
  absl::flat_hash_map<PipelineId, ProjectId> projects;
  ForEachKept(stock.pipelines, plan.pipelines, [&](const retention::PipelineItem& item) {
    projects[item.id] = item.project;
    add(Kind::kPipelines, item.project, item.ended, item.bytes);
  });
  const auto add_of = [&](Kind kind, PipelineId pipeline, absl::Time born, uint64_t bytes) {
    const auto project = projects.find(pipeline);  // else it goes with its pipeline
    if (project != projects.end()) add(kind, project->second, born, bytes);
  };
  ForEachKept(stock.traces, plan.traces, [&](const retention::TraceItem& item) {
    add_of(Kind::kTraces, item.pipeline, item.ended, item.bytes);
  });
  ForEachKept(stock.artifacts, plan.artifacts, [&](const retention::ArtifactItem& item) {
    add_of(Kind::kArtifacts, item.pipeline, item.created, item.bytes);
  });
  return kept;
}

void Sweeper::Loop() {
  while (true) {
    {
      base::MutexLock lock(mu_);
      while (!ending_ && Now() < due_) changed_.WaitWithTimeout(mu_, due_ - Now());
      if (ending_) return;
    }
    const absl::StatusOr<std::vector<Swept>> swept = SweepNow(false);
    if (swept.ok()) continue;
    log::Error("sweep_failed", {{"error", swept.status()}});
    base::MutexLock lock(mu_);
    due_ = Now() + 5 * options_.apart;
  }
}

absl::StatusOr<retention::Policy> Sweeper::ReadPolicy() const {
  retention::Policy policy{.farm = options_.limits, .projects = {}};
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::Project> projects, parts_.store.ListProjects());
  for (const store::Project& project : projects) {
    policy.projects[project.id] = retention::ProjectLimits(options_.limits, project.settings);
  }
  return policy;
}

absl::StatusOr<Sweeper::Decided> Sweeper::Decide(absl::Time now) const {
  Decided decided;
  GRANGE_ASSIGN_OR_RETURN(decided.policy, ReadPolicy());
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::Project> projects, parts_.store.ListProjects());
  for (const store::Project& project : projects) decided.names[project.id] = project.name;
  GRANGE_ASSIGN_OR_RETURN(decided.stock, parts_.store.RetentionStock());
  decided.plan = retention::Decide(decided.stock, decided.policy, now);
  return decided;
}

absl::StatusOr<std::vector<Swept>> Sweeper::Sweep(bool dry_run) {
  if (!dry_run) return SweepNow(true);
  base::MutexLock lock(sweeping_);
  const absl::Time now = Now();
  GRANGE_ASSIGN_OR_RETURN(const Decided decided, Decide(now));
  return WouldSweep(decided, now);
}

// `all`: mirrors too, whenever they were looked at.
absl::StatusOr<std::vector<Swept>> Sweeper::SweepNow(bool all) {
  base::MutexLock lock(sweeping_);
  const absl::Time now = Now();
  if (now - strays_at_ >= options_.every) {
    strays_at_ = now;
    RemoveStrays(now);
  }
  {
    base::MutexLock reading(mu_);
    reading_since_ = now;
  }
  GRANGE_ASSIGN_OR_RETURN(const Decided decided, Decide(now));
  const Kept kept = WhatStays(decided);
  absl::StatusOr<std::vector<Swept>> swept = CarryOut(decided, kept, now, all);
  Schedule(decided, kept, now);
  return swept;
}

std::vector<Swept> Sweeper::WouldSweep(const Decided& decided, absl::Time now) {
  SweptList list;
  const retention::Stock& stock = decided.stock;
  std::map<PipelineId, uint64_t> whole = WholeBytes(stock, decided.plan);
  for (const retention::Removal& removal : decided.plan.pipelines) {
    const retention::PipelineItem& item = stock.pipelines[removal.index];
    list.Add(Kind::kPipelines, removal, whole[item.id], item.ended);
  }
  for (const retention::Removal& removal : decided.plan.traces) {
    const retention::TraceItem& item = stock.traces[removal.index];
    list.Add(Kind::kTraces, removal, item.bytes, item.ended);
  }
  for (const retention::Removal& removal : decided.plan.artifacts) {
    const retention::ArtifactItem& item = stock.artifacts[removal.index];
    list.Add(Kind::kArtifacts, removal, item.bytes, item.created);
  }
  const absl::StatusOr<store::UsageRow> audit = parts_.store.AuditBefore(now - options_.audit.age);
  if (audit.ok() && audit->count > 0) {
    list.Add({.kind = std::string(retention::KindName(Kind::kAudit)),
              .project = ProjectId(),
              .project_name = "",
              .limit = absl::StrCat("keep-audit ", retention::AgeText(options_.audit.age)),
              .count = audit->count,
              .bytes = audit->bytes,
              .oldest = audit->oldest});
  }
  MirrorSweep({.store = parts_.store, .mirrors = parts_.mirrors}, decided.policy, decided.names,
              now, true, [this] { return Pause(absl::ZeroDuration()); })
      .Run(list);
  return list.Take(decided.names);
}

absl::StatusOr<std::vector<Swept>> Sweeper::CarryOut(const Decided& decided, const Kept& kept,
                                                     absl::Time now, bool all) {
  SweepRun run({.store = parts_.store,
                .traces = parts_.traces,
                .artifacts = parts_.artifacts,
                .gate = parts_.gate,
                .end_waiting = parts_.end_waiting},
               decided.stock, decided.plan, now,
               [this](absl::Duration took) { return Pause(took); });
  absl::Status status = run.Run();
  if (status.ok()) status = SweepAudit(now, run.swept());
  if (all || now >= mirrors_next_ || now - mirrors_at_ >= options_.mirrors_every ||
      !decided.plan.pipelines.empty()) {
    SweepMirrors(decided, now, run.swept());
  }
  std::vector<Swept> swept = run.swept().Take(decided.names);
  for (const Swept& line : swept) {
    log::Info("swept",
              {{"kind", line.kind},
               {"project", line.project_name},
               {"limit", line.limit},
               {"count", line.count},
               {"bytes", line.bytes},
               {"oldest", absl::FormatTime(absl::RFC3339_sec, line.oldest, absl::UTCTimeZone())}});
  }
  GRANGE_RETURN_IF_ERROR(status);
  GRANGE_RETURN_IF_ERROR(Account(kept, swept, now));
  SayCrowded(decided);
  return swept;
}

absl::Status Sweeper::SweepAudit(absl::Time now, SweptList& swept) {
  const absl::Time before = now - options_.audit.age;
  GRANGE_ASSIGN_OR_RETURN(store::UsageRow all, parts_.store.AuditBefore(absl::InfiniteFuture()));
  GRANGE_ASSIGN_OR_RETURN(const store::UsageRow old, parts_.store.AuditBefore(before));
  uint64_t removed = 0;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const uint64_t some,
                            parts_.store.RemoveAudit(before, options_.audit.bytes, kAuditAtOnce));
    removed += some;
    if (some == 0 || !Pause(absl::ZeroDuration())) break;
  }
  if (removed > 0) {
    GRANGE_ASSIGN_OR_RETURN(const store::UsageRow left,
                            parts_.store.AuditBefore(absl::InfiniteFuture()));
    swept.Add(
        {.kind = std::string(retention::KindName(Kind::kAudit)),
         .project = ProjectId(),
         .project_name = "",
         .limit = removed <= old.count
                      ? absl::StrCat("keep-audit ", retention::AgeText(options_.audit.age))
                      : absl::StrCat("audit-size ", retention::BytesText(options_.audit.bytes)),
         .count = removed,
         .bytes = all.bytes - std::min(all.bytes, left.bytes),
         .oldest = all.oldest});
  }
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const uint64_t some, parts_.store.RemoveRequestKeys(kAuditAtOnce));
    if (some == 0 || !Pause(absl::ZeroDuration())) return absl::OkStatus();
  }
}

void Sweeper::SweepMirrors(const Decided& decided, absl::Time now, SweptList& swept) {
  MirrorSweep sweep({.store = parts_.store, .mirrors = parts_.mirrors}, decided.policy,
                    decided.names, now, false, [this] { return Pause(absl::ZeroDuration()); });
  sweep.Run(swept);
  mirrors_at_ = now;
  mirrors_next_ = sweep.next();
}

void Sweeper::RemoveStrays(absl::Time now) {
  const absl::StatusOr<StrayCount> strays =
      RemoveStrayFiles(options_.traces_dir, parts_.store, parts_.traces, parts_.artifacts, now,
                       [this] { return Pause(absl::ZeroDuration()); });
  if (!strays.ok()) return log::Warning("stray_files_not_removed", {{"error", strays.status()}});
  if (strays->files == 0) return;
  log::Info("stray_files_removed", {{"count", strays->files}, {"bytes", strays->bytes}});
}

// What `grangectl usage` shows: the oldest of each kind, and what this sweep removed.
absl::Status Sweeper::Account(const Kept& kept, const std::vector<Swept>& swept, absl::Time now) {
  std::map<std::pair<std::string, ProjectId>, store::UsageRow> rows;
  for (const auto& [key, sum] : kept) {
    rows[{std::string(retention::KindName(key.first)), key.second}].oldest = sum.oldest;
  }
  for (const Swept& line : swept) {
    store::UsageRow& row = rows[{line.kind, line.project}];
    row.swept_at = now;
    row.swept_count += line.count;
    row.swept_bytes += line.bytes;
  }
  // Only what is news: a sweep that finds nothing writes nothing.
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::UsageRow> known, parts_.store.ReadUsage());
  std::vector<store::UsageRow> changed;
  for (const store::UsageRow& before : known) {
    store::UsageRow row = rows[{before.kind, before.project}];
    if (row.oldest == before.oldest && row.swept_at == absl::InfinitePast()) continue;
    row.kind = before.kind;
    row.project = before.project;
    changed.push_back(std::move(row));
    rows.erase({before.kind, before.project});
  }
  // Mirrors have a row of their own only from the first removal on.
  for (auto& [key, row] : rows) {
    if (key.first != retention::KindName(Kind::kMirrors) || row.swept_at == absl::InfinitePast()) {
      continue;
    }
    row.kind = key.first;
    row.project = key.second;
    changed.push_back(std::move(row));
  }
  return parts_.store.PutSwept(changed);
}

void Sweeper::SayCrowded(const Decided& decided) const {
  for (const retention::Crowded& crowded : decided.plan.crowded) {
    const auto name = decided.names.find(crowded.project);
    log::Warning("over_limit", {{"kind", retention::KindName(crowded.kind)},
                                {"project", name == decided.names.end() ? "" : name->second},
                                {"bytes", crowded.bytes},
                                {"limit", crowded.limit},
                                {"why",
                                 "all of it must stay: it runs, is pinned, is the newest of "
                                 "its ref, or never expires"}});
  }
}

void Sweeper::Schedule(const Decided& decided, const Kept& kept, absl::Time now) {
  std::map<Kind, uint64_t> room;
  const auto limit = [&](Kind kind, ProjectId project, uint64_t used, uint64_t most) {
    if (most == retention::kNoBytesLimit) return;
    const uint64_t left = used < most ? most - used : kRoomMin;
    const auto [entry, is_new] = room.try_emplace(kind, left);
    if (!is_new) entry->second = std::min(entry->second, left);
    if (used<most&& static_cast<double>(used)> kNearly * static_cast<double>(most)) {
      const auto name = decided.names.find(project);
      log::Warning("near_limit", {{"kind", retention::KindName(kind)},
                                  {"project", name == decided.names.end() ? "" : name->second},
                                  {"bytes", used},
                                  {"limit", most}});
    }
  };
  for (const Kind kind : kOfPipelines) {
    uint64_t all = 0;
    for (const auto& [project, limits] : decided.policy.projects) {
      const auto found = kept.find({kind, project});
      const uint64_t used = found == kept.end() ? 0 : found->second.bytes;
      all += used;
      limit(kind, project, used, limits.Of(kind).bytes);
    }
    limit(kind, ProjectId(), all, decided.policy.farm.Of(kind).bytes);
  }
  const absl::Time mirrors_due = MirrorsDue(decided, now);
  base::MutexLock lock(mu_);
  for (const Kind kind : kOfPipelines) {
    absl::Duration& shortest = shortest_[kind] = decided.policy.farm.Of(kind).age;
    for (const auto& [project, limits] : decided.policy.projects) {
      shortest = std::min(shortest, limits.Of(kind).age);
    }
  }
  room_ = std::move(room);
  last_ = now;
  due_ = std::clamp(std::min(decided.plan.next, mirrors_due), now + options_.apart,
                    now + options_.every);
  for (auto& [kind, left] : room_) {
    const std::map<int64_t, uint64_t>& recent = recent_[kind];
    const auto from = recent.lower_bound(absl::ToUnixSeconds(now - kNotYetInRows));
    for (auto it = from; it != recent.end(); ++it) left -= std::min(left, it->second);
    // All of that may have been seen: another look costs less than a disk that is full.
    if (left == 0) due_ = now + options_.apart;
  }
  reading_since_ = absl::InfiniteFuture();
  changed_.SignalAll();
}

absl::Time Sweeper::MirrorsDue(const Decided& decided, absl::Time now) const {
  bool limited = decided.policy.farm.mirrors.bytes != retention::kNoBytesLimit;
  for (const auto& [project, limits] : decided.policy.projects) {
    limited = limited || limits.mirrors.bytes != retention::kNoBytesLimit;
  }
  // Nobody tells us how they grow.
  return limited ? std::min(mirrors_next_, now + options_.mirrors_every) : mirrors_next_;
}

bool Sweeper::Pause(absl::Duration time) {
  const os::Deadline until(time);
  base::MutexLock lock(mu_);
  while (!ending_ && !until.IsOver()) changed_.WaitWithTimeout(mu_, until.Left());
  return !ending_;
}

}  // namespace grange::sweep
