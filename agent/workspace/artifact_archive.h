#ifndef GRANGE_AGENT_WORKSPACE_ARTIFACT_ARCHIVE_H_
#define GRANGE_AGENT_WORKSPACE_ARTIFACT_ARCHIVE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/workspace/cancellation.h"
#include "agent/workspace/owner.h"

// Archives of files that jobs hand to each other: tar, compressed with zstd.
namespace grange::workspace {

struct ArchiveLimits {
  uint64_t entries = 1'000'000;
  uint64_t bytes = uint64_t{10} << 30;  // of all files together, unpacked
  uint64_t ratio = 200;                 // unpacked to packed …
  uint64_t ratio_from = 10 << 20;       // … once so much is unpacked
};

struct ArchiveInfo {
  uint64_t entries = 0;  // 0: nothing matched, and there is no archive
  uint64_t size = 0;     // of the archive
  std::string sha256;    // of it, 32 bytes
};

// Writes what `paths` match below `root` to the new file `archive`. A path is a glob relative to
// the root; a folder stands for all in it; a path that matches `exclude` is left out. Links are
// stored as links and never followed, neither is a folder that is one; nothing outside `root` can
// get in, however the tree changes meanwhile. Sockets, pipes and devices are left out. With `owner`
// a file of another user's is refused (kPermissionDenied): a job may have linked to one that it
// can't read, but we can.
absl::StatusOr<ArchiveInfo> WriteArchive(const std::string& root,
                                         const std::vector<std::string>& paths,
                                         const std::vector<std::string>& exclude,
                                         const std::string& archive, const ArchiveLimits& limits,
                                         Cancellation& cancellation,
                                         const std::optional<Owner>& owner = std::nullopt);

// Lays the files of `archive` into `root`, over older ones of the same name. The archive is foreign
// input: names that are absolute or have '..', links that lead out, hard links, devices and entries
// below a link are refused (kInvalidArgument naming the entry), set-id bits are dropped,
// kResourceExhausted beyond the limits. What was laid down before the error stays. All of it
// belongs to `owner`, if there is one.
absl::Status ExtractArchive(const std::string& archive, const std::string& root,
                            const ArchiveLimits& limits, Cancellation& cancellation,
                            const std::optional<Owner>& owner = std::nullopt);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_ARTIFACT_ARCHIVE_H_
