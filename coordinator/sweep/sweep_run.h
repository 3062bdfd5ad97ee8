#ifndef GRANGE_COORDINATOR_SWEEP_SWEEP_RUN_H_
#define GRANGE_COORDINATOR_SWEEP_SWEEP_RUN_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/artifact/artifact_store.h"
#include "coordinator/retention/decide.h"
#include "coordinator/store/store.h"
#include "coordinator/sweep/removal_gate.h"
#include "coordinator/trace/trace_store.h"

namespace grange::sweep {

// What a sweep removed, or would remove, of one kind and project by one limit.
struct Swept {
  std::string kind;
  ProjectId project;         // unset: of the coordinator itself
  std::string project_name;  // for display
  std::string limit;
  uint64_t count = 0;
  uint64_t bytes = 0;
  absl::Time oldest = absl::InfiniteFuture();
};

// Adds up what is removed, by kind, project and limit.
class SweptList {
 public:
  void Add(retention::Kind kind, const retention::Removal& removal, uint64_t bytes,
           absl::Time born);
  void Add(Swept swept);
  std::vector<Swept> Take(const std::map<ProjectId, std::string>& names);

 private:
  std::map<std::tuple<std::string, ProjectId, std::string>, Swept> lines_;
};

// Bytes of a pipeline with its traces and artifacts, for each that goes.
std::map<PipelineId, uint64_t> WholeBytes(const retention::Stock& stock,
                                          const retention::Plan& plan);

// Carries a plan out: rows first, in transactions so small that nobody waits long for one, and
// after each of them its files. A crash in between leaves files without rows, which
// RemoveStrayFiles() finds. One use.
class SweepRun {
 public:
  struct Parts {
    store::Store& store;
    trace::TraceStore& traces;
    artifact::ArtifactStore& artifacts;
    RemovalGate& gate;
    // Ends a pipeline that waits for a person, so that it can go. An error if it goes on. Not set:
    // none goes.
    std::function<absl::Status(PipelineId)> end_waiting = nullptr;
  };
  // `pause` is called after each transaction with the time that it took: others get their turn.
  // False: stop, the rest is for another time.
  using Pause = std::function<bool(absl::Duration took)>;
  SweepRun(Parts parts, const retention::Stock& stock, const retention::Plan& plan, absl::Time now,
           Pause pause);

  absl::Status Run();
  SweptList& swept() { return swept_; }

 private:
  absl::Status RemovePipelines();
  // False if it stays after all. While the gate is closed for it.
  bool CanGo(const retention::PipelineItem& item) const;
  absl::Status RemoveTraces();
  absl::Status RemoveArtifacts();
  void RemoveFiles(const store::UnwantedFiles& files);

  const Parts parts_;
  const retention::Stock& stock_;
  const retention::Plan& plan_;
  const absl::Time now_;
  const Pause pause_;
  std::map<PipelineId, uint64_t> whole_bytes_;
  SweptList swept_;
  bool stopped_ = false;
};

// Those that a crash left half removed, before anybody can see them.
absl::Status FinishRemovals(const SweepRun::Parts& parts, absl::Time now);

}  // namespace grange::sweep

#endif  // GRANGE_COORDINATOR_SWEEP_SWEEP_RUN_H_
