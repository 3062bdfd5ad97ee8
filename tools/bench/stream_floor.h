#ifndef GRANGE_TOOLS_BENCH_STREAM_FLOOR_H_
#define GRANGE_TOOLS_BENCH_STREAM_FLOOR_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

// What gRPC gives for a stream of bytes: a client and a server in two processes, over TLS on
// loopback, 64 KiB in each message, which the server only counts.
namespace grange::bench {

enum class ServerApi { kSynchronous, kCallback };

// How long `bytes` took from the first write until the server had confirmed the last. `dir` is for
// the certificates.
absl::StatusOr<absl::Duration> TimeStream(const std::string& dir, ServerApi api, uint64_t bytes);

// The server's side of it: a process that TimeStream() starts as `grange-bench --stream-server`.
// Prints "ready PORT", serves until it is killed.
absl::Status RunStreamServer(const std::string& dir, ServerApi api);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_STREAM_FLOOR_H_
