#ifndef GRANGE_COORDINATOR_SCHEDULE_ENDED_PIPELINES_H_
#define GRANGE_COORDINATOR_SCHEDULE_ENDED_PIPELINES_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/container/flat_hash_map.h"
#include "coordinator/schedule/pipeline.h"

namespace grange::schedule {

// The pipelines that left memory last, at most kMax, and how their jobs stood then. Somebody who
// brings one back may have read its rows before its end was committed: such rows would show a
// job as running or waiting that has ended, or give a number of an attempt out twice.
class EndedPipelines {
 public:
  static constexpr size_t kMax = 10'000;

  void Add(const Pipeline& pipeline);
  // Whether these rows are older than the pipeline's end.
  bool IsStale(const PipelineAdded& rows) const;

 private:
  absl::flat_hash_map<PipelineId, uint64_t> prints_;
  std::deque<PipelineId> by_age_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_ENDED_PIPELINES_H_
