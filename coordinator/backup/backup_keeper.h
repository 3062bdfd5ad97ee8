#ifndef GRANGE_COORDINATOR_BACKUP_BACKUP_KEEPER_H_
#define GRANGE_COORDINATOR_BACKUP_BACKUP_KEEPER_H_

#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "coordinator/backup/copy_files.h"
#include "coordinator/backup/manifest.h"

namespace grange::backup {

// The backups of a running coordinator: one of the database each hour, of which the newest are
// kept, and those that a person asks for. Each copy is checked page by page when it is made, which
// is also how damage of the database is noticed while it runs. Thread-safe.
class BackupKeeper {
 public:
  struct Options {
    std::string state;   // the coordinator's state directory
    std::string folder;  // where the backups are; made if missing
    absl::Duration every = absl::Hours(1);
    size_t kept = 24;  // of the hourly ones; those of a person are never removed
  };

  BackupKeeper(Options options, const Clock& clock);  // starts its thread
  ~BackupKeeper();                                     // waits for a copy that is being made
  BackupKeeper(const BackupKeeper&) = delete;

  struct Made {
    std::string folder;
    Manifest manifest;
  };
  // Makes one under this name, or "manual-TIME" for "". Blocks; one at a time.
  absl::StatusOr<Made> Create(const std::string& name, bool whole, const Progress& progress);

 private:
  void Loop();
  bool MakeHourly();  // false, logged, if it failed
  void RemoveOld();

  const Options options_;
  const Clock& clock_;
  base::Mutex making_;  // held while a copy is made: over I/O, as nobody else waits for it
  base::Mutex mu_;
  base::CondVar changed_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

// The newest backup below `folder` that has its manifest; kNotFound if there is none.
absl::StatusOr<BackupKeeper::Made> NewestBackup(const std::string& folder);

}  // namespace grange::backup

#endif  // GRANGE_COORDINATOR_BACKUP_BACKUP_KEEPER_H_
