#include "coordinator/server/commit_tree.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/source/component_version.h"

namespace grange::server {

using config::IncludedFile;
using config::IncludeRequest;

absl::StatusOr<config::SourceFile> CommitTree::ReadLocal(absl::string_view path) const {
  GRANGE_ASSIGN_OR_RETURN(std::string text,
                          parts_.mirrors.ReadFile(project_, sha_, path, kConfigBytesMax));
  return config::SourceFile{.name = std::string(path), .text = std::move(text)};
}

absl::StatusOr<IncludedFile> CommitTree::Read(const IncludeRequest& request) const {
  switch (request.kind) {
    case IncludeRequest::Kind::kLocal: {
      GRANGE_ASSIGN_OR_RETURN(const Commit commit, FromOrigin(request.from));
      return ReadAt(commit, request.path);
    }
    case IncludeRequest::Kind::kProject: {
      GRANGE_ASSIGN_OR_RETURN(const Commit commit, CommitOf(request.project, request.ref));
      return ReadAt(commit, request.path);
    }
    case IncludeRequest::Kind::kRemote: {
      GRANGE_ASSIGN_OR_RETURN(std::string text,
                              parts_.remote.Fetch(request.path, request.integrity));
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

absl::StatusOr<std::vector<std::string>> CommitTree::Files() const {
  return parts_.mirrors.ListFiles(project_, sha_);
}

absl::StatusOr<std::vector<std::string>> CommitTree::FilesOf(const config::Origin& origin) const {
  GRANGE_ASSIGN_OR_RETURN(const Commit commit, FromOrigin(origin));
  return parts_.mirrors.ListFiles(commit.project, commit.sha);
}

absl::StatusOr<std::vector<std::string>> CommitTree::FilesOfProject(const std::string& project,
                                                                    const std::string& ref) const {
  GRANGE_ASSIGN_OR_RETURN(const Commit commit, CommitOf(project, ref));
  return parts_.mirrors.ListFiles(commit.project, commit.sha);
}

absl::StatusOr<std::optional<std::vector<std::string>>> CommitTree::ChangedFiles(
    absl::string_view compare_to) const {
  std::string from = before_;
  if (!compare_to.empty()) {
    GRANGE_ASSIGN_OR_RETURN(
        from, parts_.mirrors.Resolve(project_, absl::StripPrefix(compare_to, "refs/heads/")));
  }
  if (from.empty() || !parts_.mirrors.HasCommit(project_, from)) {
    return std::optional<std::vector<std::string>>();
  }
  GRANGE_ASSIGN_OR_RETURN(std::vector<std::string> paths,
                          parts_.mirrors.ChangedFiles(project_, from, sha_));
  return std::optional<std::vector<std::string>>(std::move(paths));
}

// "PROJECT-ID SHA LABEL"
config::Origin CommitTree::ToOrigin(const Commit& commit) {
  if (commit.label.empty()) return "";
  return absl::StrCat(commit.project.value(), " ", commit.sha, " ", commit.label);
}

absl::StatusOr<CommitTree::Commit> CommitTree::FromOrigin(const config::Origin& origin) const {
  if (origin.empty()) return Commit{.project = project_, .sha = sha_, .label = {}};
  const std::vector<std::string> parts = absl::StrSplit(origin, absl::MaxSplits(' ', 2));
  int64_t id = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &id)) {
    return absl::InternalError(absl::StrCat("'", origin, "' is no origin of this tree"));
  }
  return Commit{.project = ProjectId(id), .sha = parts[1], .label = parts[2]};
}

absl::StatusOr<IncludedFile> CommitTree::ReadAt(const Commit& commit,
                                                const std::string& path) const {
  GRANGE_ASSIGN_OR_RETURN(
      std::string text, parts_.mirrors.ReadFile(commit.project, commit.sha, path, kConfigBytesMax));
  const std::string name = commit.label.empty() ? path : absl::StrCat(commit.label, ":", path);
  return IncludedFile{
      .file = {.name = name, .text = std::move(text)}, .origin = ToOrigin(commit), .component = {}};
}

absl::StatusOr<store::Project> CommitTree::FindProject(const std::string& name) const {
  absl::StatusOr<store::Project> project = parts_.store.FindProject(name);
  if (!absl::IsNotFound(project.status())) return project;
  return absl::NotFoundError(absl::StrCat("this coordinator has no project '", name,
                                          "'; it comes into being when a commit of it is submitted "
                                          "with '--project ",
                                          name, "'"));
}

absl::StatusOr<CommitTree::Commit> CommitTree::CommitOf(const std::string& name,
                                                        const std::string& wanted_ref) const {
  GRANGE_ASSIGN_OR_RETURN(const store::Project project, FindProject(name));
  const auto setting = project.settings.find("default-branch");
  const std::string default_branch = setting == project.settings.end() ? "main" : setting->second;
  const bool by_default = wanted_ref.empty() || wanted_ref == "HEAD";
  const std::string ref = by_default ? default_branch : wanted_ref;
  absl::StatusOr<std::string> sha = parts_.mirrors.Resolve(project.id, ref);
  if (absl::IsNotFound(sha.status())) {
    return absl::NotFoundError(absl::StrCat("project '", project.name, "' has no '", ref,
                                            "' here: only branches and tags that were submitted "
                                            "are known"));
  }
  GRANGE_RETURN_IF_ERROR(sha.status());
  return Commit{.project = project.id,
                .sha = *std::move(sha),
                .label = absl::StrCat(project.name, "@", ref)};
}

absl::StatusOr<IncludedFile> CommitTree::ReadTemplate(const std::string& name) const {
  if (parts_.options.templates.empty()) {
    return absl::FailedPreconditionError(
        "this coordinator has no templates; 'grange-coordinator --templates DIR' names their "
        "folder");
  }
  GRANGE_ASSIGN_OR_RETURN(std::string text,
                          os::ReadFileBelow(parts_.options.templates, name, kConfigBytesMax));
  return IncludedFile{.file = {.name = absl::StrCat("template:", name), .text = std::move(text)},
                      .origin = {},
                      .component = {}};
}

bool CommitTree::IsOurs(absl::string_view host) const {
  absl::string_view server = parts_.server_url;
  if (!absl::ConsumePrefix(&server, "https://")) absl::ConsumePrefix(&server, "http://");
  const absl::string_view without_port = server.substr(0, server.rfind(':'));
  const auto same = [host](absl::string_view other) { return absl::EqualsIgnoreCase(host, other); };
  return same(server) || same(without_port) ||
         std::any_of(parts_.options.component_hosts.begin(), parts_.options.component_hosts.end(),
                     same);
}

absl::StatusOr<std::pair<std::string, std::string>> CommitTree::ResolveVersion(
    const store::Project& project, const std::string& version) const {
  using Resolved = std::pair<std::string, std::string>;
  source::GitMirrors& mirrors = parts_.mirrors;
  if (source::IsFullSha(version) && mirrors.HasCommit(project.id, version)) {
    return Resolved(version, version);
  }
  if (absl::StatusOr<std::string> sha = mirrors.ResolveTag(project.id, version); sha.ok()) {
    return Resolved(*std::move(sha), version);
  }
  if (absl::StatusOr<std::string> sha = mirrors.Resolve(project.id, version); sha.ok()) {
    return Resolved(*std::move(sha), version);
  }
  GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> tags, mirrors.Tags(project.id));
  const std::optional<std::string> newest = source::NewestRelease(version, tags);
  if (!newest.has_value()) {
    return absl::NotFoundError(absl::StrCat("project '", project.name, "' has no version '",
                                            version, "' here: only branches and tags that were ",
                                            "submitted are known"));
  }
  GRANGE_ASSIGN_OR_RETURN(std::string sha, mirrors.ResolveTag(project.id, *newest));
  return Resolved(std::move(sha), *newest);
}

// HOST/PROJECT/NAME@VERSION, whose shape the compiler has checked.
absl::StatusOr<IncludedFile> CommitTree::ReadComponent(const std::string& address) const {
  const size_t at = address.rfind('@');
  const std::string path = address.substr(0, at);
  const std::string version = address.substr(at + 1);
  const size_t host_end = path.find('/');
  const size_t name_start = path.rfind('/') + 1;
  const std::string host = path.substr(0, host_end);
  if (!IsOurs(host)) {
    return absl::PermissionDeniedError(
        absl::StrCat("components of '", host, "' are not known here; 'grange-coordinator ",
                     "--component-host ", host, "' takes its projects from this coordinator"));
  }
  GRANGE_ASSIGN_OR_RETURN(const store::Project project,
                          FindProject(path.substr(host_end + 1, name_start - host_end - 2)));
  GRANGE_ASSIGN_OR_RETURN(const auto resolved, ResolveVersion(project, version));
  const auto& [sha, resolved_version] = resolved;
  const std::string name = path.substr(name_start);
  const Commit commit{.project = project.id,
                      .sha = sha,
                      .label = absl::StrCat(project.name, "@", resolved_version)};
  absl::StatusOr<IncludedFile> file = ReadAt(commit, absl::StrCat("templates/", name, ".yml"));
  if (absl::IsNotFound(file.status())) {
    file = ReadAt(commit, absl::StrCat("templates/", name, "/template.yml"));
  }
  if (absl::IsNotFound(file.status())) {
    return absl::NotFoundError(absl::StrCat("project '", project.name, "' has neither 'templates/",
                                            name, ".yml' nor 'templates/", name,
                                            "/template.yml' at ", resolved_version));
  }
  GRANGE_RETURN_IF_ERROR(file.status());
  file->file.name = address;
  file->component = {.name = name, .sha = sha, .version = resolved_version, .reference = version};
  return file;
}

}  // namespace grange::server
