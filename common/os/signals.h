#ifndef GRANGE_COMMON_OS_SIGNALS_H_
#define GRANGE_COMMON_OS_SIGNALS_H_

#include <initializer_list>

#include "absl/status/statusor.h"
#include "common/os/unique_fd.h"

namespace grange::os {

// Ignores SIGPIPE and blocks `signals` in this thread and all that it starts later; they are read
// from the returned signalfd (non-blocking). Called first thing in main().
absl::StatusOr<UniqueFd> TakeSignals(std::initializer_list<int> signals);

// The next signal that waits in `signal_fd`, or 0.
int NextSignal(int signal_fd);

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_SIGNALS_H_
