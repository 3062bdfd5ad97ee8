#include "coordinator/config/source_tree.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace grange::config {

namespace {

absl::string_view KindWords(IncludeRequest::Kind kind) {
  switch (kind) {
    case IncludeRequest::Kind::kLocal:
      return "local files";
    case IncludeRequest::Kind::kProject:
      return "files of other projects";
    case IncludeRequest::Kind::kRemote:
      return "remote files";
    case IncludeRequest::Kind::kTemplate:
      return "templates";
    case IncludeRequest::Kind::kComponent:
      return "components";
  }
  return "";
}

}  // namespace

absl::StatusOr<IncludedFile> SourceTree::Read(const IncludeRequest& request) const {
  if (request.kind != IncludeRequest::Kind::kLocal || !request.from.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(KindWords(request.kind), " can't be included here"));
  }
  absl::StatusOr<SourceFile> file = ReadLocal(request.path);
  if (!file.ok()) return file.status();
  return IncludedFile{
      .file = {.name = request.path, .text = std::move(file->text)}, .origin = {}, .component = {}};
}

absl::StatusOr<std::vector<std::string>> SourceTree::FilesOf(const Origin& origin) const {
  if (origin.empty()) return Files();
  return absl::FailedPreconditionError("the files of other projects are not known here");
}

absl::StatusOr<std::vector<std::string>> SourceTree::FilesOfProject(const std::string&,
                                                                    const std::string&) const {
  return absl::FailedPreconditionError("the files of other projects are not known here");
}

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
