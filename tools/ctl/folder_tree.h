#ifndef GRANGE_TOOLS_CTL_FOLDER_TREE_H_
#define GRANGE_TOOLS_CTL_FOLDER_TREE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/source/remote_files.h"

namespace grange::ctl {

// From where a configuration may include, when no coordinator is asked.
struct IncludeSources {
  std::map<std::string, std::string> projects;  // name to folder, which stands for every ref
  std::string templates;                        // "": none
  source::RemoteOptions remote;
};

// What is below a folder, which may be a git checkout, and what its configuration may include. A
// path that leaves its folder, also over a link, is kNotFound. Without `changed` a push changes
// nothing that is known.
class FolderTree : public config::SourceTree {
 public:
  FolderTree(std::string root, std::vector<std::string> changed, IncludeSources sources)
      : root_(std::move(root)),
        changed_(std::move(changed)),
        sources_(std::move(sources)),
        remote_(std::make_unique<source::RemoteFiles>(sources_.remote)) {}

  absl::StatusOr<config::SourceFile> ReadLocal(absl::string_view path) const override;
  absl::StatusOr<config::IncludedFile> Read(const config::IncludeRequest& request) const override;
  // All that git tracks or could; of no checkout, none.
  absl::StatusOr<std::vector<std::string>> Files() const override;
  absl::StatusOr<std::vector<std::string>> FilesOf(const config::Origin& origin) const override;
  absl::StatusOr<std::vector<std::string>> FilesOfProject(const std::string& project,
                                                          const std::string& ref) const override;
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const override;

 private:
  // A file of one of the projects; its label is how people name it: NAME@REF.
  absl::StatusOr<config::IncludedFile> ReadProject(const std::string& project,
                                                   const std::string& label,
                                                   const std::string& path) const;
  absl::StatusOr<config::IncludedFile> ReadComponent(const std::string& address) const;
  absl::StatusOr<config::IncludedFile> ReadTemplate(const std::string& name) const;
  absl::StatusOr<std::string> FolderOf(const std::string& project) const;

  const std::string root_;
  const std::vector<std::string> changed_;
  const IncludeSources sources_;
  const std::unique_ptr<source::RemoteFiles> remote_;  // counts the time that it took
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_FOLDER_TREE_H_
