#ifndef GRANGE_COORDINATOR_STORE_DATABASE_COPY_H_
#define GRANGE_COORDINATOR_STORE_DATABASE_COPY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/id.h"

// The database as a file: for backups. Each call opens a connection of its own and may block.
namespace grange::store {

// A copy of the database as it is at one moment, whoever writes meanwhile, synced. `to` must not
// exist; it is gone again after an error.
absl::Status CopyDatabase(const std::string& path, const std::string& to);

// Reads every page and index. The version of its schema; kDataLoss, with what was found, if it is
// damaged; kFailedPrecondition if it is newer than this program, or no database of Grange.
absl::StatusOr<int> CheckDatabase(const std::string& path);

// A file beside the database that a row speaks of.
struct TraceLength {
  JobId job;
  AttemptNumber attempt = 0;
  uint64_t bytes = 0;  // at least
};
struct FilesOfRows {
  std::vector<TraceLength> traces;     // those that are not empty
  std::vector<std::string> artifacts;  // SHA-256, 32 bytes each; those with content
};
absl::StatusOr<FilesOfRows> ReadFilesOfRows(const std::string& path);

// For a copy that is brought back: raises the highest fence by `gap`. What the farm did after the
// copy was made used fences above it; none of them may be given a second time.
absl::Status SkipFences(const std::string& path, uint64_t gap);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_DATABASE_COPY_H_
