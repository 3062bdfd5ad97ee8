#ifndef GRANGE_COORDINATOR_BACKUP_COPY_FILES_H_
#define GRANGE_COORDINATOR_BACKUP_COPY_FILES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/backup/manifest.h"

namespace grange::backup {

// Called now and then in the course of long work with the bytes so far; may be empty.
using Progress = std::function<void(uint64_t bytes)>;

// Copies the file `path` below `from` to the same place below `to`, where it may not exist, with
// its mode; synced. kNotFound if it isn't there (any more).
absl::StatusOr<BackupFile> CopyFile(const std::string& from, const std::string& to,
                                    const std::string& path);

// Size and hash of the file `path` below `folder`.
absl::StatusOr<BackupFile> DescribeFile(const std::string& folder, const std::string& path);

// The paths, relative to `root`, of all regular files below `root`/`folder`, sorted. Nothing if
// there is no such folder; links are passed over.
absl::StatusOr<std::vector<std::string>> FilesBelow(const std::string& root,
                                                    const std::string& folder);

}  // namespace grange::backup

#endif  // GRANGE_COORDINATOR_BACKUP_COPY_FILES_H_
