#ifndef GRANGE_TOOLS_CTL_EXIT_CODE_H_
#define GRANGE_TOOLS_CTL_EXIT_CODE_H_

#include "absl/status/status.h"

namespace grange::ctl {

// What grangectl tells the shell. Scripts rely on the numbers.
enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,  // the pipeline or the input failed
  kExitUsage = 2,
  kExitUnreachable = 3,  // the coordinator
  kExitNotAllowed = 4,
  kExitInterrupted = 130,  // Ctrl-C while watching: the pipeline goes on
};

// An error of how the command was called.
absl::Status UsageError(absl::string_view message);

// The exit code that belongs to an error: kUnavailable and kDeadlineExceeded mean the coordinator
// can't be reached, kUnauthenticated and kPermissionDenied that it does not allow it.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_EXIT_CODE_H_
