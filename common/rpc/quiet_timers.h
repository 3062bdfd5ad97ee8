#ifndef GRANGE_COMMON_RPC_QUIET_TIMERS_H_
#define GRANGE_COMMON_RPC_QUIET_TIMERS_H_

#include <memory>

#include "absl/time/time.h"

namespace grange::rpc {

// Lets a process with gRPC in it sleep. gRPC 1.51 has two timer systems of its own; each looks at
// every shard of its list once a second although nothing is due, which on two cores wakes an idle
// process five times a second. As long as this lives they run on one thread of ours: the newer one
// (EventEngine, through its public interface) exactly when something is due, the older one every
// `period`, so that its timers (keepalive pings, connection attempts and their backoff, deadlines)
// come up to a period late.
//
// One per process, made before anything else of gRPC and kept until nothing of it is used any more.
// Not made at all, gRPC works as it comes. SetPeriod() is thread-safe.
class QuietTimers {
 public:
  explicit QuietTimers(absl::Duration period);
  ~QuietTimers();
  QuietTimers(const QuietTimers&) = delete;
  QuietTimers& operator=(const QuietTimers&) = delete;

  // Takes effect at once: short while a connection is being made, long while all is quiet.
  void SetPeriod(absl::Duration period);

 private:
  class Engine;
  class Thread;
  std::shared_ptr<Thread> thread_;  // shared with the engines that gRPC makes
};

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_QUIET_TIMERS_H_
