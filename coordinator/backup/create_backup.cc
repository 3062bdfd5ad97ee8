#include "coordinator/backup/create_backup.h"

#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/store/database_copy.h"
#include "coordinator/store/schema.h"

namespace grange::backup {
namespace {

constexpr char kDatabase[] = "grange.db";
// git moves objects from one file to another: what was moved behind our back is found again.
constexpr int kPassesMax = 5;

bool IsTemporary(absl::string_view path) {
  const absl::string_view name = path.substr(path.rfind('/') + 1);
  if (absl::StartsWith(path, "mirrors/")) {  // where a ref may be called tmp_x or x.tmp
    return absl::EndsWith(name, ".lock") ||
           (absl::StrContains(path, "/objects/") && absl::StartsWith(name, "tmp_"));
  }
  return absl::StrContains(name, ".tmp") || absl::StartsWith(path, "artifacts/incoming/");
}

// Of a mirror: what points first, then what it points to. So no ref is without its objects.
int CopyOrder(absl::string_view path) {
  if (!absl::StartsWith(path, "mirrors/")) return 0;
  if (!absl::StrContains(path, "/objects/")) return 1;
  return absl::StrContains(path, "/objects/pack/") ? 3 : 2;
}

class Maker {
 public:
  Maker(const BackupOrder& order, std::string folder, const Progress& progress)
      : order_(order), folder_(std::move(folder)), progress_(progress) {}

  absl::StatusOr<Manifest> Make() {
    manifest_.created_at = order_.now;
    manifest_.program = GRANGE_VERSION;
    manifest_.whole = order_.whole;
    const std::string copy = os::JoinPath(folder_, kDatabase);
    GRANGE_RETURN_IF_ERROR(store::CopyDatabase(os::JoinPath(order_.state, kDatabase), copy));
    GRANGE_ASSIGN_OR_RETURN(manifest_.schema, store::CheckDatabase(copy));
    GRANGE_ASSIGN_OR_RETURN(BackupFile database, DescribeFile(folder_, kDatabase));
    Add(std::move(database));
    GRANGE_RETURN_IF_ERROR(CopyFolder("keys"));
    if (order_.whole) {
      for (const char* folder : {"traces", "artifacts", "mirrors"}) {
        GRANGE_RETURN_IF_ERROR(CopyFolder(folder));
      }
      GRANGE_RETURN_IF_ERROR(CopyOne("grangectl.yml"));
    }
    GRANGE_RETURN_IF_ERROR(SyncFolders());
    GRANGE_RETURN_IF_ERROR(WriteManifest(folder_, manifest_));
    return std::move(manifest_);
  }

 private:
  void Add(BackupFile file) {
    bytes_ += file.size;
    if (progress_) progress_(bytes_);
    manifest_.files.push_back(std::move(file));
  }

  // What is no longer there isn't wanted: only unfinished and replaced files go.
  absl::Status CopyOne(const std::string& path) {
    absl::StatusOr<BackupFile> file = CopyFile(order_.state, folder_, path);
    if (absl::IsNotFound(file.status())) return absl::OkStatus();
    GRANGE_RETURN_IF_ERROR(file.status());
    Add(*std::move(file));
    return absl::OkStatus();
  }

  absl::Status CopyFolder(const std::string& folder) {
    std::set<std::string> seen;
    for (int pass = 0; pass < kPassesMax; ++pass) {
      GRANGE_ASSIGN_OR_RETURN(std::vector<std::string> paths, FilesBelow(order_.state, folder));
      std::erase_if(paths, [&](const std::string& path) {
        return IsTemporary(path) || !seen.insert(path).second;
      });
      if (paths.empty()) break;
      std::stable_sort(paths.begin(), paths.end(), [](const auto& a, const auto& b) {
        return CopyOrder(a) < CopyOrder(b);
      });
      for (const std::string& path : paths) GRANGE_RETURN_IF_ERROR(CopyOne(path));
    }
    return absl::OkStatus();
  }

  absl::Status SyncFolders() const {
    std::set<std::string> folders = {folder_};
    for (const BackupFile& file : manifest_.files) {
      std::string path = file.path;
      for (size_t slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/')) {
        path.resize(slash);
        folders.insert(os::JoinPath(folder_, path));
      }
    }
    for (const std::string& folder : folders) GRANGE_RETURN_IF_ERROR(os::SyncDir(folder));
    return absl::OkStatus();
  }

  const BackupOrder& order_;
  const std::string folder_;
  const Progress& progress_;
  Manifest manifest_;
  uint64_t bytes_ = 0;
};

absl::StatusOr<Manifest> MakeAndRename(const BackupOrder& order, const std::string& part,
                                       const Progress& progress) {
  GRANGE_ASSIGN_OR_RETURN(Manifest manifest, Maker(order, part, progress).Make());
  if (::rename(part.c_str(), order.folder.c_str()) != 0) {
    return os::ErrnoStatus(errno, "cannot rename to", order.folder);
  }
  const size_t slash = order.folder.rfind('/');
  GRANGE_RETURN_IF_ERROR(os::SyncDir(slash == std::string::npos ? "." : order.folder.substr(0, slash)));
  return manifest;
}

}  // namespace

absl::StatusOr<Manifest> CreateBackup(const BackupOrder& order, const Progress& progress) {
  if (os::Exists(order.folder)) {
    return absl::AlreadyExistsError(
        absl::StrCat("'", order.folder, "' is there already; choose another name"));
  }
  const std::string part = absl::StrCat(order.folder, ".part");
  GRANGE_RETURN_IF_ERROR(os::RemoveTree(part));  // of one that was killed
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(part));
  absl::StatusOr<Manifest> manifest = MakeAndRename(order, part, progress);
  if (!manifest.ok()) {
    const absl::Status removed = os::RemoveTree(part);
    if (!removed.ok()) return absl::Status(manifest.status().code(),
                                           absl::StrCat(manifest.status().message(), "; '", part,
                                                        "' is left: ", removed.message()));
  }
  return manifest;
}

}  // namespace grange::backup
