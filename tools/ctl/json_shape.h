#ifndef GRANGE_TOOLS_CTL_JSON_SHAPE_H_
#define GRANGE_TOOLS_CTL_JSON_SHAPE_H_

#include <nlohmann/json.hpp>

#include "grange/v1/control.pb.h"

// What -o json prints of each message: docs/commands.md. Names are stable; times are RFC 3339 or
// null, durations are seconds or null, ids are numbers.
namespace grange::ctl {

using Json = nlohmann::ordered_json;

Json PipelineJson(const v1::Pipeline& pipeline);
Json CommitJson(const v1::Commit& commit);
Json JobJson(const v1::Job& job);
Json JobWithAttemptsJson(const v1::Job& job);
Json AgentJson(const v1::Agent& agent);
Json TokenJson(const v1::Token& token);
Json ProjectJson(const v1::Project& project);
// Without the value of a masked one: null.
Json VariableJson(const v1::ProjectVariable& variable);

// A time of the wire: null for 0.
Json TimeJson(int64_t unix_ms);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_JSON_SHAPE_H_
