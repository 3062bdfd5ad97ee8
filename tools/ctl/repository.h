#ifndef GRANGE_TOOLS_CTL_REPOSITORY_H_
#define GRANGE_TOOLS_CTL_REPOSITORY_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/os/child.h"

namespace grange::ctl {

// A git repository of the user, read through git itself. Nothing that the user can see is changed:
// not the branch, the index, the work tree or the stash. Blocks on git.
class Repository {
 public:
  // The repository around `dir`. kNotFound if there is none.
  static absl::StatusOr<Repository> Open(const std::string& dir);

  const std::string& root() const { return root_; }  // absolute; the folder of a bare one
  // The folder's name, without ".git".
  std::string Name() const;
  // The branch that is checked out, or "" (a detached HEAD).
  std::string CurrentBranch() const;
  // origin/HEAD, else main or master where there is one, else "".
  std::string DefaultBranch() const;
  // "" in a repository without a commit.
  std::string HeadSha() const;
  // The first line of a commit's message, author "Name <mail>", and so on: `format` as git log's.
  std::string Show(const std::string& sha, const std::string& format) const;

  struct Ref {
    std::string sha;
    std::string name;  // without refs/heads/ or refs/tags/
    bool is_tag = false;
  };
  // The branch that is checked out if `name` is "", else the branch, tag, or branch of origin.
  // kNotFound, with the nearest name; kFailedPrecondition for a detached HEAD or no commit.
  absl::StatusOr<Ref> Resolve(const std::string& name) const;

  bool HasFile(const std::string& sha, const std::string& path) const;

  // A commit on top of HEAD with everything that is in the work tree and not ignored; HEAD itself
  // if that is the same. The same content gives the same commit. Only objects are written.
  absl::StatusOr<std::string> CommitWorkTree() const;

  // Runs `git -C root args…`; `environment` is added to this process's own.
  absl::StatusOr<os::RunResult> Git(
      std::vector<std::string> args,
      const std::vector<std::pair<std::string, std::string>>& environment = {}) const;
  // Starts it instead, with these descriptors: {ours, number in git}.
  absl::StatusOr<os::Child> StartGit(std::vector<std::string> args, int stderr_fd,
                                     std::vector<std::pair<int, int>> inherit) const;

 private:
  explicit Repository(std::string root, bool bare) : root_(std::move(root)), bare_(bare) {}

  // What git printed, without the line feed; kInternal with what git said if it failed.
  absl::StatusOr<std::string> Output(
      std::vector<std::string> args,
      const std::vector<std::pair<std::string, std::string>>& environment = {}) const;
  std::optional<std::string> Commit(const std::string& revision) const;
  absl::StatusOr<Ref> ResolveHead() const;
  absl::Status NoSuchRef(const std::string& name) const;

  std::string root_;
  bool bare_ = false;
};

// The name of the repository around `dir`, else that of the folder.
std::string ProjectNameOf(const std::string& dir);

// True for what git takes as a remote repository: "https://…", "ssh://…", "user@host:path".
bool IsUrl(absl::string_view text);
// The last part of the URL's path, without ".git".
std::string ProjectNameOfUrl(absl::string_view url);

// The last line of what git said that is not advice, for an error message.
std::string GitReason(absl::string_view stderr_text);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_REPOSITORY_H_
