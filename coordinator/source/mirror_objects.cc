#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "coordinator/source/commit_text.h"
#include "coordinator/source/git_command.h"
#include "coordinator/source/mirror_impl.h"

// What GitMirrors reads: commits and files, from memory where it can.
namespace grange::source {
namespace {

constexpr size_t kPathBytesMax = 4096;
constexpr size_t kCommitBytesMax = 16 << 20;
constexpr size_t kTreeBytesMax = 16 << 20;
constexpr size_t kEntryCost = 300;  // of a cached thing, beside its text

// One answer of `git cat-file --batch`. `found` is false if there is no such object.
struct Object {
  bool found = false;
  std::string hash, type, content;
};

// Takes the next answer from the front of `output`. The question is repeated in it when the object
// is missing.
absl::StatusOr<Object> TakeAnswer(absl::string_view& output, absl::string_view question) {
  const std::string missing = absl::StrCat(question, " missing\n");
  if (output.substr(0, missing.size()) == missing) {
    output.remove_prefix(missing.size());
    return Object{};
  }
  const size_t end = output.find('\n');
  const std::vector<absl::string_view> words = absl::StrSplit(output.substr(0, end), ' ');
  size_t size = 0;
  if (end == absl::string_view::npos || words.size() != 3 || !absl::SimpleAtoi(words[2], &size) ||
      output.size() - end - 1 < size + 1) {
    return absl::UnavailableError("git cat-file gave an answer that is not understood");
  }
  Object object{.found = true,
                .hash = std::string(words[0]),
                .type = std::string(words[1]),
                .content = std::string(output.substr(end + 1, size))};
  output.remove_prefix(end + 1 + size + 1);
  return object;
}

absl::Status CheckPath(absl::string_view path) {
  const auto refuse = [&path](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("path '", path.substr(0, 200), "' ", why));
  };
  if (path.empty()) return refuse("is empty");
  if (path.size() > kPathBytesMax) return refuse("is too long");
  if (path.find('\0') != absl::string_view::npos) return refuse("has a NUL byte");
  if (path[0] == '/') return refuse("is absolute; it must be relative to the repository");
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return refuse("leaves the repository or has an empty part");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckKind(absl::string_view path, absl::string_view mode) {
  absl::string_view kind;
  if (mode == "120000") kind = "a symbolic link";
  if (mode == "40000") kind = "a folder";
  if (mode == "160000") kind = "a submodule";
  if (kind.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", path, "' is ", kind, ", not a file"));
}

absl::Status CheckSha(absl::string_view sha) {
  if (IsFullSha(sha)) return absl::OkStatus();
  return absl::InvalidArgumentError("a commit must be named by its full SHA");
}

// The file's content from the two answers: its folder, and itself.
absl::StatusOr<std::string> FileOf(absl::string_view output, absl::string_view folder_question,
                                   absl::string_view file_question, absl::string_view path,
                                   absl::string_view sha) {
  const absl::Status missing =
      absl::NotFoundError(absl::StrCat("commit ", sha, " has no file '", path, "'"));
  GRANGE_ASSIGN_OR_RETURN(const Object folder, TakeAnswer(output, folder_question));
  if (!folder.found || folder.type != "tree") return missing;
  const size_t slash = path.rfind('/');
  const absl::string_view name = slash == absl::string_view::npos ? path : path.substr(slash + 1);
  const std::string mode = ModeInTree(folder.content, name, folder.hash.size() / 2);
  if (mode.empty()) return missing;
  GRANGE_RETURN_IF_ERROR(CheckKind(path, mode));
  GRANGE_ASSIGN_OR_RETURN(Object file, TakeAnswer(output, file_question));
  if (!file.found || file.type != "blob") return missing;
  return std::move(file.content);
}

}  // namespace

bool GitMirrors::HasCommit(ProjectId project, absl::string_view sha) {
  return ReadCommit(project, sha).ok();
}

absl::StatusOr<store::Commit> GitMirrors::ReadCommit(ProjectId project, absl::string_view sha) {
  GRANGE_RETURN_IF_ERROR(CheckSha(sha));
  const std::string key = absl::StrCat(impl_->KeyOf(project), sha);
  if (std::optional<store::Commit> known = impl_->commits.Find(key)) return *std::move(known);
  GRANGE_ASSIGN_OR_RETURN(const std::string path, Ensure(project));
  GRANGE_ASSIGN_OR_RETURN(const std::string answer,
                          RunGit(path, {"cat-file", "--batch"}, absl::StrCat(sha, "\n"),
                                 absl::Minutes(1), kCommitBytesMax));
  absl::string_view output = answer;
  GRANGE_ASSIGN_OR_RETURN(const Object object, TakeAnswer(output, sha));
  if (!object.found || object.type != "commit") {
    return absl::NotFoundError(absl::StrCat("commit ", sha, " is not in the project's mirror"));
  }
  GRANGE_ASSIGN_OR_RETURN(store::Commit commit, ParseCommit(sha, object.content));
  impl_->commits.Put(key, commit, commit.message.size() + kEntryCost);
  return commit;
}

absl::StatusOr<std::string> GitMirrors::ReadFile(ProjectId project, absl::string_view sha,
                                                 absl::string_view path, uint64_t limit) {
  GRANGE_RETURN_IF_ERROR(CheckSha(sha));
  GRANGE_RETURN_IF_ERROR(CheckPath(path));
  const absl::Status too_large =
      absl::ResourceExhaustedError(absl::StrCat("'", path, "' is larger than ", limit, " bytes"));
  const std::string key = absl::StrCat(impl_->KeyOf(project), sha, "/", path);
  std::optional<std::string> known = impl_->files.Find(key);
  if (known.has_value() && known->size() > limit) return too_large;
  if (known.has_value()) return *std::move(known);
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  const size_t slash = path.rfind('/');
  const std::string folder_question =
      absl::StrCat(sha, ":", slash == absl::string_view::npos ? "" : path.substr(0, slash));
  const std::string file_question = absl::StrCat(sha, ":", path);
  const absl::StatusOr<std::string> output =
      RunGit(mirror, {"cat-file", "--batch", "-z"},
             absl::StrCat(folder_question, absl::string_view("\0", 1), file_question,
                          absl::string_view("\0", 1)),
             absl::Minutes(1), kTreeBytesMax + static_cast<size_t>(limit));
  if (absl::IsResourceExhausted(output.status())) return too_large;
  if (!output.ok()) return output.status();
  GRANGE_ASSIGN_OR_RETURN(std::string content,
                          FileOf(*output, folder_question, file_question, path, sha));
  if (content.size() > limit) return too_large;
  impl_->files.Put(key, content, content.size() + kEntryCost);
  return content;
}

absl::StatusOr<std::vector<std::string>> GitMirrors::ListFiles(ProjectId project,
                                                               absl::string_view sha) {
  GRANGE_RETURN_IF_ERROR(CheckSha(sha));
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  GRANGE_ASSIGN_OR_RETURN(
      const std::string output,
      RunGit(mirror, {"ls-tree", "-r", "-z", "--name-only", "--full-tree", std::string(sha)}));
  return std::vector<std::string>(absl::StrSplit(output, '\0', absl::SkipEmpty()));
}

absl::StatusOr<std::vector<std::string>> GitMirrors::ChangedFiles(ProjectId project,
                                                                  absl::string_view from,
                                                                  absl::string_view to) {
  GRANGE_RETURN_IF_ERROR(CheckSha(from));
  GRANGE_RETURN_IF_ERROR(CheckSha(to));
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  GRANGE_ASSIGN_OR_RETURN(const std::string output,
                          RunGit(mirror, {"diff-tree", "-r", "-z", "--name-only", "--no-renames",
                                          std::string(from), std::string(to)}));
  return std::vector<std::string>(absl::StrSplit(output, '\0', absl::SkipEmpty()));
}

absl::StatusOr<std::vector<std::string>> GitMirrors::Tags(ProjectId project) {
  constexpr absl::string_view kTags = "refs/grange/tags/";
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  GRANGE_ASSIGN_OR_RETURN(
      const std::string refs,
      RunGit(mirror, {"for-each-ref", "--format=%(refname)", std::string(kTags)}));
  std::vector<std::string> tags;
  for (const absl::string_view ref : absl::StrSplit(refs, '\n', absl::SkipEmpty())) {
    tags.emplace_back(absl::StripPrefix(ref, kTags));
  }
  return tags;
}

absl::StatusOr<std::string> GitMirrors::ResolveTag(ProjectId project, absl::string_view tag) {
  const absl::Status missing =
      absl::NotFoundError(absl::StrCat("there is no tag '", tag, "' here"));
  if (!CheckRefName(tag).ok()) return missing;
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  const absl::StatusOr<std::string> sha = RunGit(
      mirror,
      {"rev-parse", "--verify", "--quiet", absl::StrCat("refs/grange/tags/", tag, "^{commit}")});
  if (!sha.ok()) return missing;
  return std::string(absl::StripAsciiWhitespace(*sha));
}

absl::StatusOr<std::string> GitMirrors::Resolve(ProjectId project, absl::string_view ref_name) {
  if (IsFullSha(ref_name) && HasCommit(project, ref_name)) return std::string(ref_name);
  const absl::Status missing = absl::NotFoundError(
      absl::StrCat("there is no branch, tag or commit '", ref_name, "' of this project here"));
  if (!CheckRefName(ref_name).ok()) return missing;
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  for (const absl::string_view kind : {"heads", "tags"}) {
    const absl::StatusOr<std::string> sha =
        RunGit(mirror, {"rev-parse", "--verify", "--quiet",
                        absl::StrCat("refs/grange/", kind, "/", ref_name, "^{commit}")});
    if (sha.ok()) return std::string(absl::StripAsciiWhitespace(*sha));
  }
  return missing;
}

}  // namespace grange::source
