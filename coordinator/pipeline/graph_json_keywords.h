#ifndef GRANGE_COORDINATOR_PIPELINE_GRAPH_JSON_KEYWORDS_H_
#define GRANGE_COORDINATOR_PIPELINE_GRAPH_JSON_KEYWORDS_H_

#include <optional>
#include <string>
#include <vector>

#include "coordinator/pipeline/graph.h"
#include "coordinator/pipeline/json_fields.h"

// The parts of docs/formats/plan-json.md that have maps of their own. For graph_json.cc alone.
namespace grange::pipeline {

// Null if there are none.
Json ArtifactsToJson(const std::optional<Artifacts>& artifacts);
void ReadArtifacts(const Json& value, std::string* error, Artifacts& target);

// {"NAME": "value"}; the names must be different.
Json VariableMap(const std::vector<Variable>& variables);

// The fields that are there only where the file says something of them.
void AddKeywords(const JobPlan& job, Json& json);
void ReadKeywords(const FieldReader& job, std::string* error, JobPlan& plan);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_GRAPH_JSON_KEYWORDS_H_
