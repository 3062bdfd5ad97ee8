#include "tools/ctl/folder_tree.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/ctl/repository.h"

namespace grange::ctl {
namespace {

using config::IncludedFile;
using config::IncludeRequest;

// Far above the compiler's own limit, whose message names it.
constexpr uint64_t kReadMax = 256 << 20;

absl::StatusOr<std::vector<std::string>> FilesBelow(const std::string& folder) {
  const absl::StatusOr<Repository> repository = Repository::Open(folder);
  if (!repository.ok()) return std::vector<std::string>();
  GRANGE_ASSIGN_OR_RETURN(
      const os::RunResult listed,
      repository->Git({"ls-files", "-z", "--cached", "--others", "--exclude-standard"}));
  std::vector<std::string> paths = absl::StrSplit(listed.out, '\0', absl::SkipEmpty());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

absl::StatusOr<config::SourceFile> FolderTree::ReadLocal(absl::string_view path) const {
  const std::string relative(absl::StripPrefix(path, "/"));
  GRANGE_ASSIGN_OR_RETURN(std::string text, os::ReadFileBelow(root_, relative, kReadMax));
  return config::SourceFile{.name = relative, .text = std::move(text)};
}

absl::StatusOr<IncludedFile> FolderTree::Read(const IncludeRequest& request) const {
  switch (request.kind) {
    case IncludeRequest::Kind::kLocal: {
      if (request.from.empty()) return SourceTree::Read(request);
      const std::string project = request.from.substr(0, request.from.find('@'));
      return ReadProject(project, request.from, request.path);
    }
    case IncludeRequest::Kind::kProject:
      return ReadProject(
          request.project,
          absl::StrCat(request.project, "@", request.ref.empty() ? "HEAD" : request.ref),
          request.path);
    case IncludeRequest::Kind::kRemote: {
      GRANGE_ASSIGN_OR_RETURN(std::string text, remote_->Fetch(request.path, request.integrity));
      return IncludedFile{
          .file = {.name = request.path, .text = std::move(text)}, .origin = {}, .component = {}};
    }
    case IncludeRequest::Kind::kTemplate:
      return ReadTemplate(request.path);
    case IncludeRequest::Kind::kComponent:
      return ReadComponent(request.path);
  }
  return absl::InternalError("unknown kind of include");
}

absl::StatusOr<std::string> FolderTree::FolderOf(const std::string& project) const {
  const auto it = sources_.projects.find(project);
  if (it != sources_.projects.end()) return it->second;
  return absl::FailedPreconditionError(absl::StrCat("the files of project '", project,
                                                    "' are not known here; '--include-project ",
                                                    project, "=DIR' says where they are"));
}

absl::StatusOr<IncludedFile> FolderTree::ReadProject(const std::string& project,
                                                     const std::string& label,
                                                     const std::string& path) const {
  GRANGE_ASSIGN_OR_RETURN(const std::string folder, FolderOf(project));
  GRANGE_ASSIGN_OR_RETURN(std::string text, os::ReadFileBelow(folder, path, kReadMax));
  return IncludedFile{.file = {.name = absl::StrCat(label, ":", path), .text = std::move(text)},
                      .origin = label,
                      .component = {}};
}

absl::StatusOr<IncludedFile> FolderTree::ReadTemplate(const std::string& name) const {
  if (sources_.templates.empty()) {
    return absl::FailedPreconditionError(
        "there are no templates here; '--templates DIR' says where they are");
  }
  GRANGE_ASSIGN_OR_RETURN(std::string text, os::ReadFileBelow(sources_.templates, name, kReadMax));
  return IncludedFile{.file = {.name = absl::StrCat("template:", name), .text = std::move(text)},
                      .origin = {},
                      .component = {}};
}

// HOST/PROJECT/NAME@VERSION, whose shape the compiler has checked. Any host will do, and the folder
// of the project stands for every version.
absl::StatusOr<IncludedFile> FolderTree::ReadComponent(const std::string& address) const {
  const size_t at = address.rfind('@');
  const std::string version = address.substr(at + 1);
  const std::string path = address.substr(0, at);
  const size_t host_end = path.find('/');
  const size_t name_start = path.rfind('/') + 1;
  const std::string name = path.substr(name_start);
  const std::string project = path.substr(host_end + 1, name_start - host_end - 2);
  const std::string label = absl::StrCat(project, "@", version);
  absl::StatusOr<IncludedFile> file =
      ReadProject(project, label, absl::StrCat("templates/", name, ".yml"));
  if (absl::IsNotFound(file.status())) {
    file = ReadProject(project, label, absl::StrCat("templates/", name, "/template.yml"));
  }
  if (absl::IsNotFound(file.status())) {
    return absl::NotFoundError(absl::StrCat("project '", project, "' has neither 'templates/", name,
                                            ".yml' nor 'templates/", name, "/template.yml'"));
  }
  GRANGE_RETURN_IF_ERROR(file.status());
  const absl::StatusOr<Repository> repository = Repository::Open(sources_.projects.at(project));
  file->file.name = address;
  file->component = {.name = name,
                     .sha = repository.ok() ? repository->HeadSha() : "",
                     .version = version,
                     .reference = version};
  return file;
}

absl::StatusOr<std::vector<std::string>> FolderTree::Files() const { return FilesBelow(root_); }

absl::StatusOr<std::vector<std::string>> FolderTree::FilesOf(const config::Origin& origin) const {
  if (origin.empty()) return Files();
  GRANGE_ASSIGN_OR_RETURN(const std::string folder, FolderOf(origin.substr(0, origin.find('@'))));
  return FilesBelow(folder);
}

absl::StatusOr<std::vector<std::string>> FolderTree::FilesOfProject(const std::string& project,
                                                                    const std::string&) const {
  GRANGE_ASSIGN_OR_RETURN(const std::string folder, FolderOf(project));
  return FilesBelow(folder);
}

absl::StatusOr<std::optional<std::vector<std::string>>> FolderTree::ChangedFiles(
    absl::string_view compare_to) const {
  if (!changed_.empty()) return std::optional<std::vector<std::string>>(changed_);
  const absl::StatusOr<Repository> repository = Repository::Open(root_);
  if (compare_to.empty() || !repository.ok()) return std::optional<std::vector<std::string>>();
  GRANGE_ASSIGN_OR_RETURN(
      const Repository::Ref from,
      repository->Resolve(std::string(absl::StripPrefix(compare_to, "refs/heads/"))));
  GRANGE_ASSIGN_OR_RETURN(
      const os::RunResult listed,
      repository->Git({"diff", "-z", "--name-only", "--no-renames", from.sha, "--"}));
  return std::optional<std::vector<std::string>>(
      absl::StrSplit(listed.out, '\0', absl::SkipEmpty()));
}

}  // namespace grange::ctl
