#include "agent/workspace/work_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/workspace/git_mirrors.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::workspace {
namespace {

constexpr size_t kComponentMax = 255;

bool IsRealDir(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool IsOwnDir(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid();
}

// Where the job finds the commit beside HEAD; "" if the branch's name is none for git.
std::string RefFor(const Sources& sources) {
  if (!IsRefName(sources.ref_name)) return "";
  return absl::StrCat(sources.is_tag ? "refs/tags/" : "refs/remotes/origin/", sources.ref_name);
}

// A new .git around the old index: the index tells git which files are unchanged, all the rest of
// what an earlier job left (settings, hooks, refs, locks, objects) must not reach the next one.
// Objects are borrowed from the mirror.
absl::Status RenewRepository(const std::string& path, const std::string& mirror, bool sha256) {
  const std::string git_dir = os::JoinPath(path, ".git");
  const std::string index = os::JoinPath(git_dir, "index");
  const std::string kept = IndexAside(path);
  GRANGE_RETURN_IF_ERROR(os::RemoveTree(kept));
  const bool has_index = IsRealDir(git_dir) && ::rename(index.c_str(), kept.c_str()) == 0;
  GRANGE_RETURN_IF_ERROR(os::RemoveTree(git_dir));
  GRANGE_RETURN_IF_ERROR(InitRepository(git_dir, /*bare=*/false, sha256));
  if (has_index && ::rename(kept.c_str(), index.c_str()) != 0) {
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(kept));
  }
  return os::WriteFile(os::JoinPath(git_dir, "objects/info/alternates"),
                       absl::StrCat(mirror, "/objects\n"), 0644);
}

absl::Status CheckOut(const std::string& path, const std::string& mirror, const Sources& sources,
                      const GitCommand& git, bool clean, absl::Duration timeout,
                      Cancellation& cancellation) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(path, 0755));
  GRANGE_RETURN_IF_ERROR(RenewRepository(path, mirror, sources.sha.size() == 64));
  GRANGE_RETURN_IF_ERROR(git.Run(
      {.args = FetchArguments(sources, mirror), .dir = path, .timeout = timeout}, cancellation));
  GRANGE_RETURN_IF_ERROR(
      git.Run({.args = {"checkout", "--quiet", "--force", "--detach", sources.sha},
               .dir = path,
               .timeout = timeout},
              cancellation));
  if (!clean) return absl::OkStatus();
  return git.Run({.args = {"clean", "-ffdxq"}, .dir = path, .timeout = timeout}, cancellation);
}

}  // namespace

std::vector<std::string> FetchArguments(const Sources& sources, const std::string& remote) {
  std::vector<std::string> fetch = {"fetch", "--quiet", "--no-tags", "--no-write-fetch-head"};
  if (sources.depth > 0) fetch.push_back(absl::StrCat("--depth=", sources.depth));
  fetch.push_back("--end-of-options");
  fetch.push_back(remote);
  // Without a name for it the commit needs a ref all the same, or the fetch would change nothing.
  const std::string ref = RefFor(sources);
  fetch.push_back(absl::StrCat("+", sources.sha, ":", ref.empty() ? "refs/grange/commit" : ref));
  return fetch;
}

bool IsRefName(absl::string_view name) {
  if (name.empty() || name == "@" || absl::EndsWith(name, ".")) return false;
  if (absl::StrContains(name, "..") || absl::StrContains(name, "@{")) return false;
  for (const char c : name) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) || c == ' ') return false;
    if (absl::StrContains("~^:?*[\\", absl::string_view(&c, 1))) return false;
  }
  for (const absl::string_view component : absl::StrSplit(name, '/')) {
    if (component.empty() || component.size() > kComponentMax) return false;
    if (component[0] == '.' || absl::EndsWith(component, ".lock")) return false;
  }
  return true;
}

std::string WorkTreePath(absl::string_view workspaces_dir, int slot, const Sources& sources) {
  std::string name;
  bool changed = sources.project_name.empty() || sources.project_name[0] == '.';
  for (const char c : sources.project_name.substr(0, 100)) {
    const bool fits = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                      (c == '.' && !name.empty());
    name.push_back(fits ? c : '_');
    changed = changed || !fits;
  }
  // The number tells apart what became equal; "#" stands in no clean name.
  if (changed || sources.project_name.size() > 100) {
    absl::StrAppend(&name, "#", sources.project.value());
  }
  return absl::StrCat(workspaces_dir, "/", slot, "/", name);
}

std::string IndexAside(const std::string& work_tree) { return work_tree + ".index"; }

absl::Status PrepareWorkTree(const std::string& path, const std::string& mirror,
                             const Sources& sources, const GitCommand& git, absl::Duration timeout,
                             Cancellation& cancellation) {
  // A job may have put a link to somewhere else in the place of its work tree; and git must not
  // work as one user in what another one has made.
  if (!IsOwnDir(path)) GRANGE_RETURN_IF_ERROR(os::RemoveTree(path));
  if (sources.strategy == Sources::Strategy::kNone) return os::MakeDirs(path, 0755);
  const bool reuse = sources.strategy == Sources::Strategy::kFetch && os::Exists(path);
  if (reuse) {
    const absl::Status status =
        CheckOut(path, mirror, sources, git, /*clean=*/true, timeout, cancellation);
    if (status.ok() || absl::IsCancelled(status)) return status;
    log::Warning("work_tree_made_anew", {{"path", path}, {"error", status}});
  }
  GRANGE_RETURN_IF_ERROR(os::RemoveTree(path));
  return CheckOut(path, mirror, sources, git, /*clean=*/false, timeout, cancellation);
}

}  // namespace grange::workspace
