#include "coordinator/sweep/removal_gate.h"

namespace grange::sweep {

RemovalGate::Use::Use(RemovalGate& gate, PipelineId pipeline) : gate_(gate), pipeline_(pipeline) {
  base::MutexLock lock(gate_.mu_);
  while (gate_.closed_.contains(pipeline_)) gate_.opened_.Wait(gate_.mu_);
  ++gate_.used_[pipeline_];
}

RemovalGate::Use::~Use() {
  base::MutexLock lock(gate_.mu_);
  const auto found = gate_.used_.find(pipeline_);
  if (--found->second == 0) gate_.used_.erase(found);
}

RemovalGate::Closed::Closed(RemovalGate& gate, const std::vector<PipelineId>& pipelines)
    : gate_(gate) {
  base::MutexLock lock(gate_.mu_);
  for (const PipelineId pipeline : pipelines) {
    if (gate_.used_.contains(pipeline)) continue;
    if (gate_.closed_.insert(pipeline).second) pipelines_.insert(pipeline);
  }
}

RemovalGate::Closed::~Closed() {
  base::MutexLock lock(gate_.mu_);
  for (const PipelineId pipeline : pipelines_) gate_.closed_.erase(pipeline);
  gate_.opened_.SignalAll();
}

}  // namespace grange::sweep
