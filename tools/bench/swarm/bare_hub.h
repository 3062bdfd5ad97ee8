#ifndef GRANGE_TOOLS_BENCH_SWARM_BARE_HUB_H_
#define GRANGE_TOOLS_BENCH_SWARM_BARE_HUB_H_

#include <string>

#include "absl/status/status.h"

namespace grange::bench {

// The floor of a coordinator with many agents: a plain gRPC server over TLS that answers each Hello
// with a Welcome and does nothing else. At each SIGUSR1 it sends one message to all streams. A
// process that runs until SIGTERM; prints "ready PORT". `dir` has its CA, made if missing.
absl::Status RunBareHub(const std::string& dir);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_SWARM_BARE_HUB_H_
