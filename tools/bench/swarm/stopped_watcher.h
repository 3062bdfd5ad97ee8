#ifndef GRANGE_TOOLS_BENCH_SWARM_STOPPED_WATCHER_H_
#define GRANGE_TOOLS_BENCH_SWARM_STOPPED_WATCHER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grange::bench {

// Somebody who follows a job's log, has seen its first bytes and then stopped reading: as a
// `grangectl logs -f` in a terminal on hold, with a connection of its own. Used by one thread.
class StoppedWatcher {
 public:
  // Waits until the log has its first bytes. `config` is the coordinator's grangectl.yml.
  static absl::StatusOr<std::unique_ptr<StoppedWatcher>> Start(const std::string& config,
                                                               int64_t job);
  ~StoppedWatcher();
  // Reads on until it has `bytes` of the log, or the log has ended; how many it has then.
  absl::StatusOr<uint64_t> CatchUp(uint64_t bytes);

 private:
  struct Impl;
  explicit StoppedWatcher(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_SWARM_STOPPED_WATCHER_H_
