#include "coordinator/backup/restore_backup.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/backup/verify_backup.h"
#include "coordinator/store/database_copy.h"

namespace grange::backup {
namespace {

constexpr char kDatabase[] = "grange.db";
constexpr char kNewFolder[] = "restoring";
// More than any farm assigns between two backups.
constexpr uint64_t kFenceGap = uint64_t{1} << 32;
constexpr size_t kProblemsShown = 5;

absl::Status Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return os::ErrnoStatus(errno, absl::StrCat("cannot move '", from, "' to"), to);
}

absl::Status CheckIsWhole(const Verified& verified, const std::string& folder) {
  if (verified.problems.empty()) return absl::OkStatus();
  std::vector<std::string> shown = verified.problems;
  if (shown.size() > kProblemsShown) {
    shown.resize(kProblemsShown);
    shown.push_back(absl::StrCat("and ", verified.problems.size() - kProblemsShown, " more"));
  }
  return absl::DataLossError(absl::StrCat("backup '", folder, "' is not whole, nothing was changed: ",
                                          absl::StrJoin(shown, "; "), "; take another one"));
}

// What of the state directory a backup replaces: its own names, and what belongs to the database.
std::set<std::string> TopNames(const Manifest& manifest) {
  std::set<std::string> names;
  for (const BackupFile& file : manifest.files) names.insert(file.path.substr(0, file.path.find('/')));
  return names;
}

class Restorer {
 public:
  Restorer(const std::string& folder, const std::string& state, absl::Time now,
           const Progress& progress)
      : folder_(folder),
        state_(state),
        new_folder_(os::JoinPath(state, kNewFolder)),
        old_name_(absl::StrCat("before-restore-",
                               absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone()))),
        progress_(progress) {}

  absl::Status CopyFiles(const Manifest& manifest) {
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(new_folder_));
    GRANGE_RETURN_IF_ERROR(os::MakeDirs(new_folder_));
    uint64_t bytes = 0;
    for (const BackupFile& file : manifest.files) {
      GRANGE_ASSIGN_OR_RETURN(const BackupFile copied, CopyFile(folder_, new_folder_, file.path));
      if (copied.sha256 != file.sha256) {
        return absl::DataLossError(absl::StrCat("'", file.path, "' changed while it was read"));
      }
      bytes += copied.size;
      if (progress_) progress_(bytes);
    }
    return store::SkipFences(os::JoinPath(new_folder_, kDatabase), kFenceGap);
  }

  // From its first rename to its last the state is neither the old nor the new one: the mark keeps
  // a coordinator from starting with it.
  absl::StatusOr<std::string> Swap(const Manifest& manifest) {
    const std::string mark = os::JoinPath(state_, kRestoreMark);
    GRANGE_RETURN_IF_ERROR(os::WriteFileAtomic(mark, folder_ + "\n"));
    const std::set<std::string> names = TopNames(manifest);
    std::set<std::string> old = names;
    old.insert({"grange.db-wal", "grange.db-shm"});
    const std::string old_folder = os::JoinPath(state_, old_name_);
    std::string set_aside;
    for (const std::string& name : old) {
      if (!os::Exists(os::JoinPath(state_, name))) continue;
      if (set_aside.empty()) GRANGE_RETURN_IF_ERROR(os::MakeDirs(old_folder));
      set_aside = old_folder;
      GRANGE_RETURN_IF_ERROR(
          Rename(os::JoinPath(state_, name), os::JoinPath(old_folder, name)));
    }
    for (const std::string& name : names) {
      GRANGE_RETURN_IF_ERROR(
          Rename(os::JoinPath(new_folder_, name), os::JoinPath(state_, name)));
    }
    if (!set_aside.empty()) GRANGE_RETURN_IF_ERROR(os::SyncDir(set_aside));
    GRANGE_RETURN_IF_ERROR(os::SyncDir(state_));
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(new_folder_));
    if (::unlink(mark.c_str()) != 0) return os::ErrnoStatus(errno, "cannot remove", mark);
    GRANGE_RETURN_IF_ERROR(os::SyncDir(state_));
    return set_aside;
  }

 private:
  const std::string folder_, state_, new_folder_, old_name_;
  const Progress& progress_;
};

}  // namespace

absl::StatusOr<Restored> RestoreBackup(const std::string& folder, const std::string& state,
                                       absl::Time now, const Progress& progress) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(state));
  const absl::StatusOr<os::LockFile> lock = os::LockFile::Acquire(os::JoinPath(state, "lock"));
  if (!lock.ok()) {
    return absl::Status(lock.status().code(), absl::StrCat(lock.status().message(),
                                                           "; stop the coordinator first"));
  }
  GRANGE_ASSIGN_OR_RETURN(Verified verified, VerifyBackup(folder));
  GRANGE_RETURN_IF_ERROR(CheckIsWhole(verified, folder));
  Restorer restorer(folder, state, now, progress);
  GRANGE_RETURN_IF_ERROR(restorer.CopyFiles(verified.manifest));
  Restored restored;
  GRANGE_ASSIGN_OR_RETURN(restored.set_aside, restorer.Swap(verified.manifest));
  restored.manifest = std::move(verified.manifest);
  return restored;
}

absl::Status CheckNoRestoreWasCut(const std::string& state) {
  const std::string mark = os::JoinPath(state, kRestoreMark);
  if (!os::Exists(mark)) return absl::OkStatus();
  const std::string folder = os::ReadFile(mark).value_or("FOLDER");
  return absl::FailedPreconditionError(absl::StrCat(
      "a restore into '", state, "' was cut, so that its files don't fit together; run it again: ",
      "grangectl backup restore ", folder.substr(0, folder.find('\n')), " --state ", state));
}

}  // namespace grange::backup
