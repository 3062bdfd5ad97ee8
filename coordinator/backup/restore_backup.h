#ifndef GRANGE_COORDINATOR_BACKUP_RESTORE_BACKUP_H_
#define GRANGE_COORDINATOR_BACKUP_RESTORE_BACKUP_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/backup/copy_files.h"
#include "coordinator/backup/manifest.h"

namespace grange::backup {

struct Restored {
  Manifest manifest;
  std::string set_aside;  // where what was there before is now; "" if nothing was
};

// Verifies the backup and puts it in the place of the state directory, whose coordinator must be
// stopped. What was there is set aside under another name, never removed; of a backup without
// logs, artifacts and sources those stay. `now` is for that name. After a crash there is the old
// state, or the new one, or a mark with which no coordinator starts until it is done once more.
// kDataLoss, with the first problems, if the backup is not whole; kAlreadyExists if the coordinator
// runs. Jobs that agents still run, and that the backup doesn't know, are ended by their agents.
absl::StatusOr<Restored> RestoreBackup(const std::string& folder, const std::string& state,
                                       absl::Time now, const Progress& progress = {});

// A file in the state directory while a restore moves others.
inline constexpr char kRestoreMark[] = "restore-in-progress";
// kFailedPrecondition, with the command that helps, if there is such a mark.
absl::Status CheckNoRestoreWasCut(const std::string& state);

}  // namespace grange::backup

#endif  // GRANGE_COORDINATOR_BACKUP_RESTORE_BACKUP_H_
