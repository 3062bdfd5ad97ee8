#include "coordinator/backup/verify_backup.h"

#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/backup/copy_files.h"
#include "coordinator/store/database_copy.h"
#include "coordinator/trace/trace_path.h"

namespace grange::backup {
namespace {

constexpr char kDatabase[] = "grange.db";

void CheckFiles(const std::string& folder, Verified& verified) {
  for (const BackupFile& file : verified.manifest.files) {
    const absl::StatusOr<BackupFile> found = DescribeFile(folder, file.path);
    if (!found.ok()) {
      verified.problems.emplace_back(found.status().message());
    } else if (found->size != file.size) {
      verified.problems.push_back(absl::StrCat("'", file.path, "' has ", found->size,
                                               " bytes instead of ", file.size));
    } else if (found->sha256 != file.sha256) {
      verified.problems.push_back(
          absl::StrCat("'", file.path, "' is damaged: its SHA-256 is not the one that was noted"));
    }
  }
}

absl::Status CheckRows(const std::string& folder, Verified& verified) {
  std::set<std::string> paths;
  for (const BackupFile& file : verified.manifest.files) paths.insert(file.path);
  GRANGE_ASSIGN_OR_RETURN(const store::FilesOfRows rows,
                          store::ReadFilesOfRows(os::JoinPath(folder, kDatabase)));
  for (const store::TraceLength& row : rows.traces) {
    if (paths.contains(trace::PathOf("traces", row.job, row.attempt)) ||
        paths.contains(trace::CompressedPathOf("traces", row.job, row.attempt))) {
      continue;
    }
    verified.problems.push_back(absl::StrCat("the log of ", row.job.ToString(), ", attempt ",
                                             row.attempt, ", is missing"));
  }
  for (const std::string& sha256 : rows.artifacts) {
    const std::string hex = absl::BytesToHexString(sha256);
    const std::string path = absl::StrCat("artifacts/", hex.substr(0, 2), "/", hex.substr(2));
    if (!paths.contains(path)) verified.problems.push_back(absl::StrCat("'", path, "' is missing"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Verified> VerifyBackup(const std::string& folder) {
  Verified verified;
  GRANGE_ASSIGN_OR_RETURN(verified.manifest, ReadManifest(folder));
  CheckFiles(folder, verified);
  const absl::StatusOr<int> schema = store::CheckDatabase(os::JoinPath(folder, kDatabase));
  if (!schema.ok()) {
    verified.problems.emplace_back(schema.status().message());
  } else if (verified.manifest.whole) {
    GRANGE_RETURN_IF_ERROR(CheckRows(folder, verified));
  }
  return verified;
}

}  // namespace grange::backup
