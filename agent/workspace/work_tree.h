#ifndef GRANGE_AGENT_WORKSPACE_WORK_TREE_H_
#define GRANGE_AGENT_WORKSPACE_WORK_TREE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/workspace/cancellation.h"
#include "agent/workspace/git_command.h"
#include "agent/workspace/sources.h"

namespace grange::workspace {

// Where the work tree of a project stands in a slot: <workspaces>/<slot>/<project>. The name is
// made safe for a path; two projects never share one.
std::string WorkTreePath(absl::string_view workspaces_dir, int slot, const Sources& sources);
// Beside it: git's index on its way into a new repository, or what a crash has left of that.
std::string IndexAside(const std::string& work_tree);

// Puts the commit of `sources`, taken from the complete `mirror`, into `path`, by the strategy:
// kClone removes what was there; kFetch keeps unchanged files and removes all that isn't part of
// the commit, ignored files included; kNone only makes the folder. A tree that git can't clean
// (rights, damage) is made anew.
//
// The job sees `depth` commits, a detached HEAD, and the branch as origin/<branch> or the tag. The
// repository's own settings, hooks, locks and refs of an earlier job are gone in any case. Blocks;
// one user of a path at a time. A tree of another user's (see PrepareOwnedWorkTree) is made anew.
absl::Status PrepareWorkTree(const std::string& path, const std::string& mirror,
                             const Sources& sources, const GitCommand& git, absl::Duration timeout,
                             Cancellation& cancellation);

// Of `git fetch`, which brings the commit and its ref from `remote`.
std::vector<std::string> FetchArguments(const Sources& sources, const std::string& remote);

// True if `name` can be a ref and, below refs/, a file: the rules of git-check-ref-format and no
// component over 255 bytes.
bool IsRefName(absl::string_view name);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_WORK_TREE_H_
