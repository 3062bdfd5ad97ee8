#ifndef GRANGE_COORDINATOR_CONFIG_SOURCE_TREE_H_
#define GRANGE_COORDINATOR_CONFIG_SOURCE_TREE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/config/include_request.h"
#include "coordinator/config/source_file.h"

namespace grange::config {

// What the compiler may ask of the sources: the commit's tree at the coordinator, the directory of
// `lint`. Implemented by the shell, which may block; the compiler asks only when a keyword needs
// it.
class SourceTree {
 public:
  virtual ~SourceTree() = default;

  // The file at `path` below the root of the root file's repository. kNotFound if there is none.
  virtual absl::StatusOr<SourceFile> ReadLocal(absl::string_view path) const = 0;

  // The file that an `include` asks for; the message of an error says why it can't be had, and what
  // to do. Unless a tree says otherwise it has local files of its own repository only.
  virtual absl::StatusOr<IncludedFile> Read(const IncludeRequest& request) const;

  // The paths of all tracked files, sorted.
  virtual absl::StatusOr<std::vector<std::string>> Files() const = 0;
  // The same of the repository that an included file came from.
  virtual absl::StatusOr<std::vector<std::string>> FilesOf(const Origin& origin) const;
  // The same of another project at a branch, tag or commit; "" is its default branch. The message
  // of an error says what is missing.
  virtual absl::StatusOr<std::vector<std::string>> FilesOfProject(const std::string& project,
                                                                  const std::string& ref) const;

  // The paths of files that differ from those of the branch, tag or commit `compare_to`; with "",
  // from what the ref had before this push. nullopt if there is nothing to compare with, such as
  // for a new branch. kNotFound if `compare_to` does not exist.
  virtual absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const = 0;
};

// Has no files, and nothing to compare with.
class EmptyTree : public SourceTree {
 public:
  absl::StatusOr<SourceFile> ReadLocal(absl::string_view path) const override;
  absl::StatusOr<std::vector<std::string>> Files() const override;
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const override;
};

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_SOURCE_TREE_H_
