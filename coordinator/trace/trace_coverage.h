#ifndef GRANGE_COORDINATOR_TRACE_TRACE_COVERAGE_H_
#define GRANGE_COORDINATOR_TRACE_TRACE_COVERAGE_H_

#include <optional>

#include "absl/status/statusor.h"
#include "common/base/id.h"
#include "coordinator/trace/coverage.h"
#include "coordinator/trace/trace_store.h"

namespace grange::trace {

// pattern.Find() on a stored trace of any size: read from its end in blocks, so that memory stays
// small and a number in the last lines is found at once. Blocks on the disk. The same answer as
// Find() on the whole.
absl::StatusOr<std::optional<double>> FindCoverage(const TraceStore& traces, JobId job,
                                                   AttemptNumber attempt,
                                                   const CoveragePattern& pattern);

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_TRACE_COVERAGE_H_
