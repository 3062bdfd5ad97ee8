#ifndef GRANGE_COORDINATOR_SWEEP_SWEEPER_H_
#define GRANGE_COORDINATOR_SWEEP_SWEEPER_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/sweep/sweep_run.h"

namespace grange::sweep {

// Removes what a coordinator no longer keeps, and says so: when something is due by its age, when a
// size limit could be passed, and at least once a day. Thread-safe.
//
// Its time is the wall clock's at its start and counts on from there, so that setting the clock
// while it runs removes nothing.
class Sweeper {
 public:
  struct Options {
    std::string traces_dir;
    retention::Limits limits;  // of the whole farm
    retention::Limit audit{.age = absl::Hours(2 * 365 * 24), .bytes = uint64_t{1} << 30};
    absl::Duration first_after = absl::Seconds(10);
    absl::Duration every = absl::Hours(24);
    absl::Duration apart = absl::Minutes(1);  // of two sweeps that begin by themselves
    // Mirrors are looked at with a sweep if the last time is so long ago, if something of them is
    // due, if pipelines have gone, or if a person wants the sweep.
    absl::Duration mirrors_every = absl::Hours(1);
  };
  struct Parts {
    store::Store& store;
    trace::TraceStore& traces;
    artifact::ArtifactStore& artifacts;
    source::GitMirrors& mirrors;
    RemovalGate& gate;
    const Clock& clock;
    std::function<absl::Status(PipelineId)> end_waiting = nullptr;  // SweepRun::Parts
  };
  Sweeper(Options options, Parts parts);
  ~Sweeper();  // waits for the transaction that is under way
  Sweeper(const Sweeper&) = delete;

  // Begins to sweep by itself. Once.
  void Start();

  // So much was added of this kind; it goes at `expires`, or by the limit of its kind. Returns at
  // once.
  void Grew(retention::Kind kind, uint64_t bytes, std::optional<absl::Time> expires = std::nullopt)
      ABSL_LOCKS_EXCLUDED(mu_);

  // For a person: sweeps now, after the one that is under way; or says what a sweep would remove.
  absl::StatusOr<std::vector<Swept>> Sweep(bool dry_run) ABSL_LOCKS_EXCLUDED(sweeping_, mu_);

  struct Times {
    absl::Time last = absl::InfinitePast();
    absl::Time next = absl::InfiniteFuture();
  };
  Times times() const ABSL_LOCKS_EXCLUDED(mu_);
  // With the projects' own settings.
  absl::StatusOr<retention::Policy> ReadPolicy() const;
  const Options& options() const { return options_; }

 private:
  struct Decided {
    retention::Stock stock;
    retention::Policy policy;
    retention::Plan plan;
    std::map<ProjectId, std::string> names;
  };
  struct KeptSum {
    uint64_t bytes = 0;
    absl::Time oldest = absl::InfiniteFuture();
  };
  using Kept = std::map<std::pair<retention::Kind, ProjectId>, KeptSum>;
  static Kept WhatStays(const Decided& decided);
  absl::StatusOr<std::vector<Swept>> SweepNow(bool all) ABSL_LOCKS_EXCLUDED(sweeping_, mu_);
  void Loop() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time Now() const { return started_at_ + (parts_.clock.SinceBoot() - started_since_boot_); }
  absl::StatusOr<Decided> Decide(absl::Time now) const;
  std::vector<Swept> WouldSweep(const Decided& decided, absl::Time now);
  absl::StatusOr<std::vector<Swept>> CarryOut(const Decided& decided, const Kept& kept,
                                              absl::Time now, bool all)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(sweeping_);
  absl::Status SweepAudit(absl::Time now, SweptList& swept);
  void SweepMirrors(const Decided& decided, absl::Time now, SweptList& swept)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(sweeping_);
  void RemoveStrays(absl::Time now);
  absl::Status Account(const Kept& kept, const std::vector<Swept>& swept, absl::Time now);
  void SayCrowded(const Decided& decided) const;
  void Schedule(const Decided& decided, const Kept& kept, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(sweeping_);
  // When the mirrors are due for another look.
  absl::Time MirrorsDue(const Decided& decided, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(sweeping_);
  // Lets others have their turn; false if we are to end.
  bool Pause(absl::Duration time) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  const Parts parts_;
  const absl::Time started_at_;
  const absl::Duration started_since_boot_;
  base::Mutex sweeping_;  // held over a whole sweep: nobody else waits for it
  absl::Time strays_at_ ABSL_GUARDED_BY(sweeping_) = absl::InfinitePast();
  absl::Time mirrors_at_ ABSL_GUARDED_BY(sweeping_) = absl::InfinitePast();
  absl::Time mirrors_next_ ABSL_GUARDED_BY(sweeping_) = absl::InfiniteFuture();
  mutable base::Mutex mu_;
  base::CondVar changed_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time last_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  absl::Time due_ ABSL_GUARDED_BY(mu_);
  std::map<retention::Kind, absl::Duration> shortest_
      ABSL_GUARDED_BY(mu_);  // of all projects' ages
  // Bytes until a size limit could be passed.
  std::map<retention::Kind, uint64_t> room_ ABSL_GUARDED_BY(mu_);
  // What Grew() was told lately, by second: a sweep may have read the rows before they had it.
  std::map<retention::Kind, std::map<int64_t, uint64_t>> recent_ ABSL_GUARDED_BY(mu_);
  absl::Time reading_since_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  std::thread thread_;
};

}  // namespace grange::sweep

#endif  // GRANGE_COORDINATOR_SWEEP_SWEEPER_H_
