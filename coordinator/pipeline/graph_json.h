#ifndef GRANGE_COORDINATOR_PIPELINE_GRAPH_JSON_H_
#define GRANGE_COORDINATOR_PIPELINE_GRAPH_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/pipeline/graph.h"

namespace grange::pipeline {

// docs/formats/plan-json.md. One job as the store keeps it: JSON, complete, FromJson(ToJson(x)) ==
// x. Unknown fields are ignored, missing ones have their defaults: rows of older versions stay
// readable.
std::string JobToJson(const JobPlan& job);
absl::StatusOr<JobPlan> JobFromJson(absl::string_view json);

// `grangectl plan --json`: {"jobs":[…],"stages":[…],"variables":{…},"workflow":{…}}; the shape is
// fixed in the design: scripts depend on it.
std::string PlanToJson(const PipelineGraph& graph);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_GRAPH_JSON_H_
