#include "coordinator/backup/backup_keeper.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "coordinator/backup/create_backup.h"

namespace grange::backup {
namespace {

constexpr char kHourly[] = "hourly-";
constexpr size_t kNameMax = 100;
// After a copy that failed the next one is tried sooner than an hour later.
constexpr int kSoonerAfterFailure = 12;

std::string TimeName(absl::string_view prefix, absl::Time time) {
  return absl::StrCat(prefix, absl::FormatTime("%Y%m%dT%H%M%SZ", time, absl::UTCTimeZone()));
}

absl::Status CheckName(const std::string& name) {
  const bool good = name.size() <= kNameMax && absl::ascii_isalnum(name[0]) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
                    });
  if (good && !absl::StartsWith(name, kHourly) && !absl::EndsWith(name, ".part")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' can't name a backup; take letters, digits, '-', '_' and '.', not '",
                   kHourly, "' at its start"));
}

// Backups below `folder` whose names begin with `prefix`, oldest first.
std::vector<BackupKeeper::Made> BackupsBelow(const std::string& folder, absl::string_view prefix) {
  std::vector<BackupKeeper::Made> found;
  const absl::StatusOr<std::vector<std::string>> names = os::ListDir(folder);
  if (!names.ok()) return found;
  for (const std::string& name : *names) {
    if (!absl::StartsWith(name, prefix) || absl::EndsWith(name, ".part")) continue;
    const std::string path = os::JoinPath(folder, name);
    absl::StatusOr<Manifest> manifest = ReadManifest(path);
    if (manifest.ok()) found.push_back({path, *std::move(manifest)});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.manifest.created_at < b.manifest.created_at;
  });
  return found;
}

}  // namespace

BackupKeeper::BackupKeeper(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  thread_ = std::thread([this] { Loop(); });
}

BackupKeeper::~BackupKeeper() {
  {
    base::MutexLock lock(mu_);
    ending_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

absl::StatusOr<BackupKeeper::Made> BackupKeeper::Create(const std::string& name, bool whole,
                                                        const Progress& progress) {
  if (!name.empty()) GRANGE_RETURN_IF_ERROR(CheckName(name));
  base::MutexLock lock(making_);
  const absl::Time now = clock_.Now();
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(options_.folder));
  Made made;
  made.folder = os::JoinPath(options_.folder, name.empty() ? TimeName("manual-", now) : name);
  GRANGE_ASSIGN_OR_RETURN(
      made.manifest,
      CreateBackup({.state = options_.state, .folder = made.folder, .whole = whole, .now = now},
                   progress));
  log::Info("backup_made", {{"folder", made.folder}, {"bytes", made.manifest.Bytes()}});
  return made;
}

void BackupKeeper::Loop() {
  // By the newest one, so that a coordinator that is often restarted makes no more of them.
  const std::vector<Made> before = BackupsBelow(options_.folder, kHourly);
  absl::Duration wait = options_.every;
  if (!before.empty()) {
    const absl::Duration age = clock_.Now() - before.back().manifest.created_at;
    wait = std::clamp(options_.every - age, absl::ZeroDuration(), options_.every);
  }
  absl::Duration due = clock_.SinceBoot() + wait;
  while (true) {
    {
      base::MutexLock lock(mu_);
      while (!ending_ && clock_.SinceBoot() < due) {
        changed_.WaitWithTimeout(mu_, due - clock_.SinceBoot());
      }
      if (ending_) return;
    }
    const bool done = MakeHourly();
    due = clock_.SinceBoot() + (done ? options_.every : options_.every / kSoonerAfterFailure);
  }
}

bool BackupKeeper::MakeHourly() {
  {
    base::MutexLock lock(making_);
    const absl::Time now = clock_.Now();
    const std::string folder = os::JoinPath(options_.folder, TimeName(kHourly, now));
    const absl::StatusOr<Manifest> manifest =
        CreateBackup({.state = options_.state, .folder = folder, .whole = false, .now = now});
    if (!manifest.ok()) {
      log::Error("backup_failed", {{"folder", folder}, {"error", manifest.status()}});
      return false;
    }
    log::Info("backup_made", {{"folder", folder}, {"bytes", manifest->Bytes()}});
  }
  RemoveOld();
  return true;
}

void BackupKeeper::RemoveOld() {
  std::vector<Made> hourly = BackupsBelow(options_.folder, kHourly);
  if (hourly.size() <= options_.kept) return;
  hourly.resize(hourly.size() - options_.kept);
  for (const Made& old : hourly) {
    const absl::Status removed = os::RemoveTree(old.folder);
    if (!removed.ok()) log::Warning("backup_not_removed", {{"error", removed}});
  }
}

absl::StatusOr<BackupKeeper::Made> NewestBackup(const std::string& folder) {
  std::vector<BackupKeeper::Made> all = BackupsBelow(folder, "");
  if (all.empty()) return absl::NotFoundError(absl::StrCat("there is no backup in '", folder, "'"));
  return std::move(all.back());
}

}  // namespace grange::backup
