#include "coordinator/pipeline/path_conditions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/text/glob.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

// A pattern of `changes` or `exists`, which mean what Ruby's fnmatch does, in the words of
// text::GlobMatches(): there `**` crosses folders anywhere, here only as a whole part with a `/`
// behind it; elsewhere it is one `*`.
std::string GlobOf(absl::string_view pattern) {
  std::string glob;
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '*') {
      if (pattern[i] == '\\' && i + 1 < pattern.size()) glob += pattern[i++];
      glob += pattern[i++];
      continue;
    }
    size_t end = pattern.find_first_not_of('*', i);
    if (end == absl::string_view::npos) end = pattern.size();
    const bool starts_part = i == 0 || pattern[i - 1] == '/';
    const bool crosses =
        end - i == 2 && starts_part && end < pattern.size() && pattern[end] == '/';
    glob += crosses ? "**" : "*";
    i = end;
  }
  return glob;
}

PathConditions::Outcome Match(const PathCondition& condition, const std::vector<std::string>& paths,
                              const Scope& scope, absl::string_view keyword) {
  if (condition.regex != nullptr) {
    for (const std::string& path : paths) {
      if (condition.regex->Matches(path)) {
        return {true, absl::StrCat(keyword, ": '", path, "' matches the regex")};
      }
    }
    return {false, absl::StrCat(keyword, ": no file matches the regex")};
  }
  size_t comparisons = 0;
  for (const std::string& glob : condition.globs) {
    const std::string pattern = scope.Expand(glob);
    if (pattern.empty()) continue;
    const std::string translated = GlobOf(pattern);
    if (!text::IsGlob(pattern)) {
      if (std::find(paths.begin(), paths.end(), pattern) != paths.end()) {
        return {true, absl::StrCat(keyword, ": '", pattern, "' is there")};
      }
      continue;
    }
    for (const std::string& path : paths) {
      if (++comparisons > kPathComparisonsMax) {
        return {true, absl::StrCat(keyword, ": more than ", kPathComparisonsMax,
                                   " comparisons, which counts as a match")};
      }
      if (text::GlobMatches(translated, path)) {
        return {true, absl::StrCat(keyword, ": '", path, "' matches '",
                                   scope.Shown().Expand(glob), "'")};
      }
    }
  }
  return {false, absl::StrCat(keyword, ": no file matches")};
}

}  // namespace

PathConditions::Outcome PathConditions::Changes(const PathCondition& condition,
                                                const Scope& scope) {
  const Paths* paths = ChangedFiles(condition, scope);
  if (paths == nullptr) return {true, "changes: there is nothing to compare with"};
  return Match(condition, *paths, scope, "changes");
}

PathConditions::Outcome PathConditions::Exists(const PathCondition& condition, const Scope& scope) {
  const std::string project = scope.Shown().Expand(condition.project);
  const Paths* paths = Files(condition.place, project, scope.Shown().Expand(condition.ref));
  if (paths == nullptr) {
    const std::string whose =
        project.empty() ? "the files" : absl::StrCat("the files of project '", project, "'");
    return {false, absl::StrCat("exists: ", whose, " are not known")};
  }
  return Match(condition, *paths, scope, "exists");
}

const PathConditions::Paths* PathConditions::ChangedFiles(const PathCondition& condition,
                                                          const Scope& scope) {
  std::string compare_to = scope.Expand(condition.compare_to);
  auto known = changed_.find(compare_to);
  if (known == changed_.end()) {
    absl::StatusOr<std::optional<Paths>> answer = tree_.ChangedFiles(compare_to);
    if (!answer.ok()) {
      problems_.Error(condition.place, absl::StrCat("'changes': ", answer.status().message()));
      answer = std::nullopt;
    }
    known = changed_.emplace(std::move(compare_to), *std::move(answer)).first;
  }
  return known->second.has_value() ? &*known->second : nullptr;
}

const PathConditions::Paths* PathConditions::Files(const config::Place& place,
                                                   const std::string& project,
                                                   const std::string& ref) {
  const auto [known, is_new] = files_.try_emplace({project, ref});
  if (!is_new) return known->second.has_value() ? &*known->second : nullptr;
  absl::StatusOr<Paths> answer =
      project.empty() ? tree_.Files() : tree_.FilesOfProject(project, ref);
  if (answer.ok()) {
    known->second = *std::move(answer);
    return &*known->second;
  }
  const std::string message = absl::StrCat("'exists': ", answer.status().message());
  if (absl::IsFailedPrecondition(answer.status())) {
    problems_.Warning(place, absl::StrCat(message, "; until then nothing in it exists"));
  } else {
    problems_.Error(place, message);
  }
  return nullptr;
}

}  // namespace grange::pipeline
