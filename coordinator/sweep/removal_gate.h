#ifndef GRANGE_COORDINATOR_SWEEP_REMOVAL_GATE_H_
#define GRANGE_COORDINATOR_SWEEP_REMOVAL_GATE_H_

#include <map>
#include <set>
#include <vector>

#include "common/base/id.h"
#include "common/base/mutex.h"

namespace grange::sweep {

// A finished pipeline may come back to life (retry) or go for ever (retention), never both: whoever
// does one of them holds the pipeline here meanwhile. Thread-safe.
class RemovalGate {
 public:
  // For a request of a person: until this goes the pipeline isn't removed. Several may use one.
  class Use {
   public:
    Use(RemovalGate& gate, PipelineId pipeline);  // waits while it is being removed
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    RemovalGate& gate_;
    const PipelineId pipeline_;
  };

  // For the sweeper: those of `pipelines` that nobody uses, and nobody begins to until this goes.
  class Closed {
   public:
    Closed(RemovalGate& gate, const std::vector<PipelineId>& pipelines);
    ~Closed();
    Closed(const Closed&) = delete;
    Closed& operator=(const Closed&) = delete;
    bool Has(PipelineId pipeline) const { return pipelines_.contains(pipeline); }

   private:
    RemovalGate& gate_;
    std::set<PipelineId> pipelines_;
  };

 private:
  base::Mutex mu_;
  base::CondVar opened_;
  std::map<PipelineId, int> used_ ABSL_GUARDED_BY(mu_);
  std::set<PipelineId> closed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::sweep

#endif  // GRANGE_COORDINATOR_SWEEP_REMOVAL_GATE_H_
