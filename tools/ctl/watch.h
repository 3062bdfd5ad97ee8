#ifndef GRANGE_TOOLS_CTL_WATCH_H_
#define GRANGE_TOOLS_CTL_WATCH_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "tools/ctl/context.h"
#include "tools/ctl/exit_code.h"

namespace grange::ctl {

// Follows a pipeline until it has ended or only a person can go on: on a terminal in place, on a
// pipe a line for each change and the end of each failed job's log; with -o json one value at the
// end. The last line has the result. Ctrl-C leaves the pipeline running.
absl::StatusOr<ExitCode> WatchPipeline(Context& context, int64_t pipeline);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_WATCH_H_
