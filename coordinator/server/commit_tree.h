#ifndef GRANGE_COORDINATOR_SERVER_COMMIT_TREE_H_
#define GRANGE_COORDINATOR_SERVER_COMMIT_TREE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/source/remote_files.h"
#include "coordinator/store/store.h"

namespace grange::server {

inline constexpr uint64_t kConfigBytesMax = 16 << 20;

// What the operator says of `include`.
struct IncludeOptions {
  std::string templates;                     // folder of `include:template`; "": there are none
  source::RemoteOptions remote;              // from where `include:remote` may read
  std::vector<std::string> component_hosts;  // hosts of components that mean this coordinator, too
};

// The files of one commit, and what its configuration may include: files of other projects of this
// coordinator, at the commits that were pinned; components, which lie in projects; templates;
// remote files. For one compilation. Blocks on git, the disk and the network.
class CommitTree : public config::SourceTree {
 public:
  struct Parts {
    store::Store& store;
    source::GitMirrors& mirrors;
    source::RemoteFiles& remote;
    const IncludeOptions& options;
    std::string server_url;  // its host names components of this coordinator
  };
  // `before`: the commit that the ref had before this push; "" if there was none.
  CommitTree(Parts parts, ProjectId project, std::string sha, std::string before)
      : parts_(parts), project_(project), sha_(std::move(sha)), before_(std::move(before)) {}

  absl::StatusOr<config::SourceFile> ReadLocal(absl::string_view path) const override;
  absl::StatusOr<config::IncludedFile> Read(const config::IncludeRequest& request) const override;
  absl::StatusOr<std::vector<std::string>> Files() const override;
  absl::StatusOr<std::vector<std::string>> FilesOf(const config::Origin& origin) const override;
  absl::StatusOr<std::vector<std::string>> FilesOfProject(const std::string& project,
                                                          const std::string& ref) const override;
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const override;

 private:
  // A commit of a project, under the name that people know.
  struct Commit {
    ProjectId project;
    std::string sha;
    std::string label;  // GROUP/NAME@REF; "" for the root file's own
  };
  static config::Origin ToOrigin(const Commit& commit);
  absl::StatusOr<Commit> FromOrigin(const config::Origin& origin) const;

  absl::StatusOr<config::IncludedFile> ReadAt(const Commit& commit, const std::string& path) const;
  // The commit that a ref of another project means; "" and HEAD are its default branch.
  absl::StatusOr<Commit> CommitOf(const std::string& name, const std::string& wanted_ref) const;
  absl::StatusOr<config::IncludedFile> ReadComponent(const std::string& address) const;
  absl::StatusOr<config::IncludedFile> ReadTemplate(const std::string& name) const;
  absl::StatusOr<store::Project> FindProject(const std::string& name) const;
  // The commit that a component's version means, and the tag, branch or SHA that it is.
  absl::StatusOr<std::pair<std::string, std::string>> ResolveVersion(
      const store::Project& project, const std::string& version) const;
  bool IsOurs(absl::string_view host) const;

  const Parts parts_;
  const ProjectId project_;
  const std::string sha_;
  const std::string before_;
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_COMMIT_TREE_H_
