#ifndef GRANGE_TOOLS_BENCH_SWARM_STOPPED_WATCHER_H_
#define GRANGE_TOOLS_BENCH_SWARM_STOPPED_WATCHER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/os/child.h"
#include "common/os/unique_fd.h"

namespace grange::bench {

// Somebody who follows a job's log, has seen its first bytes and then stopped reading: a
// `grangectl logs -f` in a terminal on hold. A process of its own, as a client in this one would go
// on reading from its socket whenever anybody here waits in gRPC. Used by one thread.
class StoppedWatcher {
 public:
  // `command`: grangectl with its --config. So many at once, each of which has the log's first
  // bytes when this returns.
  static absl::StatusOr<std::vector<std::unique_ptr<StoppedWatcher>>> StartMany(
      const std::vector<std::string>& command, int64_t job, int count);

  // Reads on until it has `bytes` of the log, or the log has ended; how many it has then.
  absl::StatusOr<uint64_t> CatchUp(uint64_t bytes);

 private:
  StoppedWatcher(os::Child child, os::UniqueFd out)
      : child_(std::move(child)), out_(std::move(out)) {}

  os::Child child_;
  os::UniqueFd out_;
  uint64_t seen_ = 0;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_SWARM_STOPPED_WATCHER_H_
