#ifndef GRANGE_COORDINATOR_SOURCE_GIT_MIRROR_H_
#define GRANGE_COORDINATOR_SOURCE_GIT_MIRROR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/id.h"
#include "common/os/child.h"
#include "coordinator/source/mirror_gate.h"
#include "coordinator/store/store.h"

namespace grange::source {

// The bare mirrors of all projects, below one folder: mirrors/<project id>.git
// (docs/formats/mirrors.md). Commits that pipelines use are kept alive by refs/grange/…. Blocks on
// git: never call it from a reaction or the core loop. Thread-safe. Foreign text (refs, URLs,
// paths) is never taken for an option and never reaches a shell.
class GitMirrors {
 public:
  explicit GitMirrors(std::string dir);

  // At the start, before anything else: removes what a kill has left half done. Mirrors that can't
  // be mended are named in the log.
  absl::Status ClearLeftovers();

  // Until it goes nothing is taken away from the project's mirror (MirrorGate). A submit holds it
  // from its look whether the commit is there until its pipeline is stored.
  [[nodiscard]] MirrorGate::Use Hold(ProjectId project);
  [[nodiscard]] MirrorGate::Use HoldAll();  // of all projects: a copy is made of them

  // Makes the project's mirror if it is missing. Its folder.
  absl::StatusOr<std::string> Ensure(ProjectId project);

  bool HasCommit(ProjectId project, absl::string_view sha);
  // Facts of a commit. kNotFound if the mirror lacks it. Kept in memory: commits never change.
  absl::StatusOr<store::Commit> ReadCommit(ProjectId project, absl::string_view sha);
  // A file of a commit. kNotFound; kInvalidArgument for a path that leaves the tree (or is a
  // link or folder); kResourceExhausted above `limit`. Kept in memory (bounded).
  absl::StatusOr<std::string> ReadFile(ProjectId project, absl::string_view sha,
                                       absl::string_view path, uint64_t limit);
  // The paths of all files of a commit, sorted. kResourceExhausted for more than 64 MiB of names.
  absl::StatusOr<std::vector<std::string>> ListFiles(ProjectId project, absl::string_view sha);
  // The paths of files that differ between two commits.
  absl::StatusOr<std::vector<std::string>> ChangedFiles(ProjectId project, absl::string_view from,
                                                        absl::string_view to);
  // The commit of a branch or tag that was pinned, or of a full SHA. kNotFound if there is none.
  absl::StatusOr<std::string> Resolve(ProjectId project, absl::string_view ref_name);
  // The names of all tags that were pinned.
  absl::StatusOr<std::vector<std::string>> Tags(ProjectId project);
  // The commit of a tag that was pinned, whatever branches are called. kNotFound if there is none.
  absl::StatusOr<std::string> ResolveTag(ProjectId project, absl::string_view tag);
  // Keeps `sha` alive as the head of branch or tag `ref_name`: refs/grange/heads/… or tags/…; and
  // by refs/grange/commits/<sha>, whatever becomes of the branch. What was pushed for it below
  // refs/grange/incoming goes.
  absl::Status Pin(ProjectId project, absl::string_view sha, absl::string_view ref_name,
                   bool is_tag);

  // Fetches `ref` (branch, tag or full SHA; "" = HEAD) from `url` (https://, ssh://, git://,
  // file:///). The commit, with the branch's or tag's whole name ("feature/x", without refs/heads/;
  // for a SHA that of the default branch). kNotFound for a ref that is not there.
  struct Fetched {
    std::string sha;
    std::string ref_name;
    bool is_tag = false;
    std::string default_branch;
  };
  absl::StatusOr<Fetched> Fetch(ProjectId project, absl::string_view url, absl::string_view ref);

  // Starts git upload-pack (agents fetch any pinned commit) or receive-pack (submit; only
  // refs/grange/incoming/* may be written) on the project's mirror, its stdin and stdout being
  // `socket`'s other end. The caller pumps bytes between its end and the stream.
  enum class Service { kUploadPack, kReceivePack };
  struct Running {
    std::unique_ptr<MirrorGate::Use> hold;  // of a receive-pack; until git has ended
    os::Child child;
    os::UniqueFd socket;  // bidirectional, non-blocking
    os::UniqueFd error;   // git's stderr
  };
  absl::StatusOr<Running> Serve(ProjectId project, Service service);

  // Takes away what no pipeline wants.
  struct ShrinkOrder {
    // The commits that stay. Asked while nobody holds the mirror.
    std::function<absl::StatusOr<std::set<std::string>>()> wanted;
    absl::Time now;
    // A commit goes that nothing has wanted for so long. Since when, the mirror itself notes. What
    // was pushed and never became a pipeline stays for at least a day.
    absl::Duration keep;
    // Its objects go even if they are few; otherwise those of a small part of the mirror's size
    // may wait for more, as all that stays has to be written anew.
    bool thorough = false;
    absl::Duration patience = absl::Minutes(1);  // for a moment when nobody holds the mirror
    bool dry_run = false;                        // only says what would go
    // Asked now and then; false: stops, the rest is for another time.
    std::function<bool()> go_on = [] { return true; };
  };
  struct Shrunk {
    uint64_t commits = 0;                        // that went
    uint64_t bytes = 0;                          // the disk space that they had
    uint64_t left = 0;                           // what the mirror has on the disk now
    absl::Time oldest = absl::InfiniteFuture();  // since when the first of them was not wanted
    absl::Time next = absl::InfiniteFuture();    // when another one is due
    // Why something is left for another time: kUnavailable, somebody held the mirror all the time;
    // kResourceExhausted, no space to write anew what stays; kCancelled, `go_on` said no.
    absl::Status rest;
  };
  // Blocks for as long as git and the disk take; submits wait for parts of it only. A mirror of
  // which nothing is wanted goes as a whole, and comes back with the next submit. Agents may fetch
  // meanwhile. A kill at any moment leaves a mirror that works, and the next call goes on. One call
  // at a time.
  absl::StatusOr<Shrunk> Shrink(ProjectId project, const ShrinkOrder& order);

  // The projects that have a mirror, and its bytes on the disk; reads no more than the folders.
  std::vector<ProjectId> OnDisk();
  uint64_t BytesOf(ProjectId project);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with children of Serve() only through copies of paths
};

// A ref name that git takes (git check-ref-format's rules, at most 255 bytes, no leading '-').
absl::Status CheckRefName(absl::string_view name);
bool IsFullSha(absl::string_view sha);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_GIT_MIRROR_H_
