#ifndef GRANGE_COORDINATOR_BACKUP_MANIFEST_H_
#define GRANGE_COORDINATOR_BACKUP_MANIFEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grange::backup {

// A file of a backup, below its folder.
struct BackupFile {
  std::string path;
  uint64_t size = 0;
  std::string sha256;  // in hex
};

// What a backup says of itself, in MANIFEST.json (docs/formats/backup.md), which is written last: a
// folder without one is no backup.
struct Manifest {
  absl::Time created_at = absl::InfinitePast();
  std::string program;  // the version of the coordinator
  int schema = 0;       // of the database
  bool whole = false;   // everything; else the database and the keys
  std::vector<BackupFile> files;

  uint64_t Bytes() const;
};

inline constexpr char kManifestName[] = "MANIFEST.json";

// Synced.
absl::Status WriteManifest(const std::string& folder, const Manifest& manifest);
// kNotFound if the folder is no backup, kDataLoss if the file makes no sense. No path in it leaves
// the folder.
absl::StatusOr<Manifest> ReadManifest(const std::string& folder);

}  // namespace grange::backup

#endif  // GRANGE_COORDINATOR_BACKUP_MANIFEST_H_
