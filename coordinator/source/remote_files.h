#ifndef GRANGE_COORDINATOR_SOURCE_REMOTE_FILES_H_
#define GRANGE_COORDINATOR_SOURCE_REMOTE_FILES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grange::source {

inline constexpr size_t kRemoteBytesMax = 16 << 20;  // of one file
inline constexpr int kRedirectsMax = 5;
// For all files of a pipeline together; below the deadline of grangectl's calls.
inline constexpr absl::Duration kRemoteTimeMax = absl::Seconds(25);

// From where `include:remote` may read.
struct RemoteOptions {
  // HOST or HOST:PORT, over https; "http://" before it allows plain text instead.
  std::vector<std::string> hosts;
  bool allow_private = false;  // also hosts whose address is not one of the public Internet
};

// kInvalidArgument, saying why, if it is no entry for RemoteOptions::hosts.
absl::Status CheckRemoteHost(absl::string_view entry);

// Fetches the remote files of one pipeline, by plain GETs without login, cookies or proxies. The
// host of each URL, also of each redirect, must be allowed, and the address that is really
// connected must be a public one. Blocks on the network. Not thread-safe.
class RemoteFiles {
 public:
  explicit RemoteFiles(RemoteOptions options) : options_(std::move(options)) {}

  // The file. `integrity`: "" or "sha256-<base64>", which the content must have. Errors say what to
  // do: kPermissionDenied for what is not allowed, kNotFound, kResourceExhausted at a limit,
  // kFailedPrecondition for other content than `integrity` says.
  absl::StatusOr<std::string> Fetch(const std::string& url, absl::string_view integrity);

 private:
  const RemoteOptions options_;
  absl::Duration spent_;
};

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_REMOTE_FILES_H_
