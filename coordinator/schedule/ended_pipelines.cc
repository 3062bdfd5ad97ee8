#include "coordinator/schedule/ended_pipelines.h"

namespace grange::schedule {
namespace {

// Of the state and attempt of each job, in their order. A job may change its state without a new
// attempt (one that waits for a person is canceled), so both are needed.
class Print {
 public:
  void Add(const JobNode& job) {
    Mix(static_cast<uint64_t>(job.state));
    Mix(static_cast<uint64_t>(job.attempt));
  }
  uint64_t value() const { return value_; }

 private:
  void Mix(uint64_t number) {  // SplitMix64
    uint64_t z = value_ + number + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    value_ = z ^ (z >> 31);
  }
  uint64_t value_ = 0;
};

}  // namespace

void EndedPipelines::Add(const Pipeline& pipeline) {
  Print print;
  for (const std::unique_ptr<Job>& job : pipeline.graph.jobs()) print.Add(job->node);
  if (!prints_.insert_or_assign(pipeline.id, print.value()).second) return;
  by_age_.push_back(pipeline.id);
  if (by_age_.size() <= kMax) return;
  prints_.erase(by_age_.front());
  by_age_.pop_front();
}

bool EndedPipelines::IsStale(const PipelineAdded& rows) const {
  const auto ended = prints_.find(rows.id);
  if (ended == prints_.end()) return false;
  Print print;
  for (const JobNode& job : rows.jobs) print.Add(job);
  return print.value() != ended->second;
}

}  // namespace grange::schedule
