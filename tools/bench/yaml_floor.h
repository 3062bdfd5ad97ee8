#ifndef GRANGE_TOOLS_BENCH_YAML_FLOOR_H_
#define GRANGE_TOOLS_BENCH_YAML_FLOOR_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grange::bench {

// How long yaml-cpp takes to load `text` and to give the memory back.
absl::StatusOr<absl::Duration> TimeYamlLoad(const std::string& text);

// How long libyaml takes to make all events of `text`: the least that any reader of YAML here does.
absl::StatusOr<absl::Duration> TimeYamlEvents(const std::string& text);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_YAML_FLOOR_H_
