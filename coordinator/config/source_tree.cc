#include "coordinator/config/source_tree.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace grange::config {

absl::StatusOr<SourceFile> EmptyTree::ReadLocal(absl::string_view path) const {
  return absl::NotFoundError(absl::StrCat("there is no file '", path, "' to include"));
}

absl::StatusOr<std::vector<std::string>> EmptyTree::Files() const {
  return std::vector<std::string>();
}

absl::StatusOr<std::optional<std::vector<std::string>>> EmptyTree::ChangedFiles(
    absl::string_view) const {
  return std::optional<std::vector<std::string>>();
}

}  // namespace grange::config
