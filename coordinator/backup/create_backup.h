#ifndef GRANGE_COORDINATOR_BACKUP_CREATE_BACKUP_H_
#define GRANGE_COORDINATOR_BACKUP_CREATE_BACKUP_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/backup/copy_files.h"
#include "coordinator/backup/manifest.h"

namespace grange::backup {

struct BackupOrder {
  std::string state;   // the coordinator's state directory
  std::string folder;  // where the backup shall be; must not exist
  bool whole = true;   // false: the database and the keys, without logs, artifacts and sources
  absl::Time now;
};

// Makes a backup of a coordinator's state while it runs, or while it doesn't: the database as it is
// at one moment, then the files that its rows speak of, each synced. A folder of another name is
// renamed at the end, so that there is a whole backup or none; after an error nothing is left.
// Blocks for as long as the disk takes.
absl::StatusOr<Manifest> CreateBackup(const BackupOrder& order, const Progress& progress = {});

}  // namespace grange::backup

#endif  // GRANGE_COORDINATOR_BACKUP_CREATE_BACKUP_H_
