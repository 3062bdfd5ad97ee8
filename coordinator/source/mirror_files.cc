#include "coordinator/source/mirror_files.h"

#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::source {
namespace {

constexpr char kUnwantedFile[] = "grange-unwanted";
constexpr char kGarbageFile[] = "grange-garbage";
constexpr char kDoomedFile[] = "grange-doomed";

struct FtsClose {
  void operator()(FTS* walk) const { fts_close(walk); }
};
using Walk = std::unique_ptr<FTS, FtsClose>;

Walk WalkBelow(std::string& root) {
  char* const roots[] = {root.data(), nullptr};
  return Walk(fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, nullptr));
}

std::string PackFolder(const std::string& mirror) { return mirror + "/objects/pack"; }

std::vector<std::string> NamesIn(const std::string& folder) {
  return os::ListDir(folder).value_or(std::vector<std::string>());
}

absl::Status Unlink(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return os::ErrnoStatus(errno, "cannot remove", path);
}

// No ref may end so.
absl::Status ClearLocks(const std::string& mirror) {
  std::string root = mirror + "/refs";
  const Walk walk = WalkBelow(root);
  if (walk == nullptr) return os::ErrnoStatus(errno, "cannot read", root);
  while (const FTSENT* const entry = fts_read(walk.get())) {
    if (entry->fts_info != FTS_F || !absl::EndsWith(entry->fts_name, ".lock")) continue;
    GRANGE_RETURN_IF_ERROR(Unlink(entry->fts_path));
  }
  for (const std::string& name : NamesIn(mirror)) {
    const bool ours = absl::StartsWith(name, "grange-") && absl::StrContains(name, '.');
    if (ours || absl::EndsWith(name, ".lock") || name == "packed-refs.new") {
      GRANGE_RETURN_IF_ERROR(Unlink(os::JoinPath(mirror, name)));
    }
  }
  return absl::OkStatus();
}

// git writes a pack's index last.
absl::Status ClearPacks(const std::string& mirror) {
  const std::string folder = PackFolder(mirror);
  const std::vector<std::string> names = NamesIn(folder);
  const std::set<std::string> all(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string pack = name.substr(0, name.find('.'));
    const bool half = absl::StartsWith(name, "pack-") && !all.contains(pack + ".idx");
    const bool temporary = absl::StartsWith(name, "tmp_") || absl::StartsWith(name, ".tmp-");
    if (half || temporary || absl::EndsWith(name, ".keep")) {
      GRANGE_RETURN_IF_ERROR(Unlink(os::JoinPath(folder, name)));
    }
  }
  return absl::OkStatus();
}

absl::Status ClearObjects(const std::string& mirror) {
  const std::string folder = mirror + "/objects";
  for (const std::string& name : NamesIn(folder)) {
    if (absl::StartsWith(name, "tmp_") || absl::StartsWith(name, "incoming-")) {
      GRANGE_RETURN_IF_ERROR(os::RemoveTree(os::JoinPath(folder, name)));
    }
  }
  return ClearPacks(mirror);
}

}  // namespace

uint64_t FolderBytes(const std::string& folder) {
  std::string root = folder;
  const Walk walk = WalkBelow(root);
  uint64_t bytes = 0;
  if (walk == nullptr) return bytes;
  while (const FTSENT* const entry = fts_read(walk.get())) {
    if (entry->fts_info != FTS_F) continue;
    bytes += static_cast<uint64_t>(entry->fts_statp->st_blocks) * 512;
  }
  return bytes;
}

std::vector<std::string> PacksOf(const std::string& mirror) {
  std::vector<std::string> packs;
  for (const std::string& name : NamesIn(PackFolder(mirror))) {
    absl::string_view pack = name;
    if (absl::StartsWith(pack, "pack-") && absl::ConsumeSuffix(&pack, ".idx")) {
      packs.emplace_back(pack);
    }
  }
  return packs;
}

bool HasLooseObjects(const std::string& mirror) {
  for (const std::string& name : NamesIn(mirror + "/objects")) {
    if (name.size() == 2 && !NamesIn(mirror + "/objects/" + name).empty()) return true;
  }
  return false;
}

absl::Status RemovePacks(const std::string& mirror, const std::vector<std::string>& packs) {
  if (packs.empty()) return absl::OkStatus();
  GRANGE_RETURN_IF_ERROR(
      os::WriteFileAtomic(os::JoinPath(mirror, kDoomedFile), absl::StrJoin(packs, "\n")));
  return FinishRemoval(mirror);
}

absl::Status FinishRemoval(const std::string& mirror) {
  const std::string list = os::JoinPath(mirror, kDoomedFile);
  const absl::StatusOr<std::string> text = os::ReadFile(list);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  GRANGE_RETURN_IF_ERROR(text.status());
  const std::vector<std::string> doomed = absl::StrSplit(*text, '\n', absl::SkipEmpty());
  const std::string folder = PackFolder(mirror);
  // The index first: a pack without one is nothing to git, one without its pack is an error.
  for (const std::string& pack : doomed) {
    GRANGE_RETURN_IF_ERROR(Unlink(absl::StrCat(folder, "/", pack, ".idx")));
  }
  const std::set<std::string> gone(doomed.begin(), doomed.end());
  for (const std::string& name : NamesIn(folder)) {
    if (!gone.contains(name.substr(0, name.find('.')))) continue;
    GRANGE_RETURN_IF_ERROR(Unlink(os::JoinPath(folder, name)));
  }
  GRANGE_RETURN_IF_ERROR(os::SyncDir(folder));
  return Unlink(list);
}

absl::Status ClearMirror(const std::string& mirror) {
  GRANGE_RETURN_IF_ERROR(FinishRemoval(mirror));
  GRANGE_RETURN_IF_ERROR(ClearLocks(mirror));
  return ClearObjects(mirror);
}

UnwantedRefs ReadUnwanted(const std::string& mirror) {
  UnwantedRefs unwanted;
  const std::string text = os::ReadFile(os::JoinPath(mirror, kUnwantedFile)).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t blank = line.find(' ');
    int64_t since = 0;
    if (blank == absl::string_view::npos || !absl::SimpleAtoi(line.substr(0, blank), &since)) {
      continue;
    }
    unwanted[std::string(line.substr(blank + 1))] = absl::FromUnixMillis(since);
  }
  return unwanted;
}

absl::Status WriteUnwanted(const std::string& mirror, const UnwantedRefs& unwanted) {
  const std::string path = os::JoinPath(mirror, kUnwantedFile);
  if (unwanted.empty()) return Unlink(path);
  std::string text;
  for (const auto& [ref, since] : unwanted) {
    absl::StrAppend(&text, absl::ToUnixMillis(since), " ", ref, "\n");
  }
  return os::WriteFileAtomic(path, text);
}

uint64_t ReadGarbage(const std::string& mirror) {
  const absl::StatusOr<std::string> text = os::ReadFile(os::JoinPath(mirror, kGarbageFile));
  if (!text.ok()) return 0;
  uint64_t bytes = 0;
  return absl::SimpleAtoi(*text, &bytes) ? bytes : 1;
}

absl::Status WriteGarbage(const std::string& mirror, uint64_t bytes) {
  const std::string path = os::JoinPath(mirror, kGarbageFile);
  if (bytes == 0) return Unlink(path);
  return os::WriteFileAtomic(path, absl::StrCat(bytes, "\n"));
}

}  // namespace grange::source
