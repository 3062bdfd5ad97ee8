#ifndef GRANGE_COORDINATOR_BACKUP_VERIFY_BACKUP_H_
#define GRANGE_COORDINATOR_BACKUP_VERIFY_BACKUP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/backup/manifest.h"

namespace grange::backup {

struct Verified {
  Manifest manifest;
  std::vector<std::string> problems;  // each with its file; empty: the backup is good
};

// Reads all of a backup: each file has its size and hash, the database is whole, and in a whole
// backup there is the log and the artifact of each row that speaks of one. An error only if it
// can't be told (no manifest, an unreadable disk).
absl::StatusOr<Verified> VerifyBackup(const std::string& folder);

}  // namespace grange::backup

#endif  // GRANGE_COORDINATOR_BACKUP_VERIFY_BACKUP_H_
