#ifndef GRANGE_COORDINATOR_SCHEDULE_PIPELINE_H_
#define GRANGE_COORDINATOR_SCHEDULE_PIPELINE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/lifecycle/pipeline_state.h"
#include "coordinator/schedule/job_graph.h"

namespace grange::schedule {

// A pipeline in the scheduler's memory. Part of the scheduler's inside.
struct Pipeline {
  Pipeline(const PipelineAdded& added, std::vector<std::unique_ptr<Job>> jobs)
      : id(added.id),
        project(added.project),
        project_name(added.project_name),
        stages(added.stages),
        graph(std::move(jobs), static_cast<int>(added.stages.size())),
        state(added.state),
        started_at(added.started_at) {}

  PipelineId id;
  ProjectId project;
  std::string project_name;
  std::vector<std::string> stages;
  JobGraph graph;
  lifecycle::PipelineTally tally;
  lifecycle::PipelineState state;  // as it was last stored
  absl::Time started_at;
  absl::Time finished_at = absl::InfinitePast();
  bool touched = false;      // something of it has changed in this turn
  bool row_changed = false;  // other than its state
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_PIPELINE_H_
