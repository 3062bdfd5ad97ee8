#ifndef GRANGE_COORDINATOR_SERVER_JOB_LIMITS_H_
#define GRANGE_COORDINATOR_SERVER_JOB_LIMITS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/pipeline/graph.h"

// The limits that jobs ask for by their variables GRANGE_MEMORY_LIMIT and GRANGE_PIDS_LIMIT.
namespace grange::server {

// Of the variable's value; "" is 0, none. kInvalidArgument saying what is taken.
absl::StatusOr<uint64_t> ParseMemoryLimit(absl::string_view value);
absl::StatusOr<uint64_t> ParsePidsLimit(absl::string_view value);

// What is wrong with the limits of a new pipeline's jobs, naming the file and the job; it ends up
// beside the compiler's own errors. Pure.
std::vector<std::string> CheckLimits(const std::string& file,
                                     const std::vector<pipeline::JobPlan>& jobs);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_JOB_LIMITS_H_
