#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

// A list of texts; an empty one is allowed, and matches nothing.
std::optional<std::vector<std::string>> ReadPatterns(ParseContext& context,
                                                     const config::Value& list,
                                                     const std::string& keyword) {
  std::vector<const config::Value*> values;
  if (!list.IsList()) {
    context.WrongType(list, keyword, "a list of paths");
    return std::nullopt;
  }
  if (!context.Flatten(list, keyword, values)) return std::nullopt;
  std::vector<std::string> texts;
  for (const config::Value* value : values) {
    if (!value->IsScalar()) {
      context.Error(value->place, absl::StrCat("'", keyword, "' takes a list of paths, but this ",
                                               "entry is ", value->KindName()));
      return std::nullopt;
    }
    texts.push_back(value->text);
  }
  return texts;
}

// False, reported, if they can't be used.
bool ReadGlobs(ParseContext& context, const config::Value& list, const std::string& keyword,
               PathCondition& condition) {
  std::optional<std::vector<std::string>> globs = ReadPatterns(context, list, keyword);
  if (!globs.has_value()) return false;
  if (globs->size() > kPathPatternsMax) {
    context.Error(list.place,
                  absl::StrCat("'", keyword, "' has ", globs->size(), " patterns; at most ",
                               kPathPatternsMax, " are allowed, so join some with {a,b} or **"));
    return false;
  }
  condition.globs = *std::move(globs);
  return true;
}

bool ReadRegex(ParseContext& context, const config::Value& value, const std::string& keyword,
               PathCondition& condition) {
  const std::optional<std::string> text = context.Text(value, keyword);
  if (!text.has_value()) return false;
  // It is written without slashes.
  absl::StatusOr<std::shared_ptr<const Pattern>> regex =
      context.patterns.Get(absl::StrCat("/", *text, "/"));
  if (!regex.ok()) {
    context.Error(value.place, absl::StrCat("'", keyword, "': ", regex.status().message()));
    return false;
  }
  condition.regex = *std::move(regex);
  return true;
}

// `project` and `ref` of `exists`. False, reported, if they can't be used.
bool ReadProject(ParseContext& context, const config::Value& map, const std::string& keyword,
                 PathCondition& condition) {
  const config::Entry* project = map.Find("project");
  const config::Entry* ref = map.Find("ref");
  const bool has_project = project != nullptr && !project->value->IsNull();
  const bool has_ref = ref != nullptr && !ref->value->IsNull();
  if (has_project) {
    if (!CheckProjectPath(context, *project->value, keyword + ":project")) return false;
    condition.project = project->value->text;
  }
  if (!has_ref) return true;
  if (!has_project) {
    context.Error(ref->key_place,
                  absl::StrCat("'", keyword, ":ref' is the ref of a 'project'; add one"));
    return false;
  }
  std::optional<std::string> text = context.PlainText(*ref->value, keyword + ":ref");
  condition.ref = text.value_or("");
  return text.has_value();
}

}  // namespace

std::optional<PathCondition> ReadPathCondition(ParseContext& context, const config::Entry& entry,
                                               absl::string_view owner, Section section) {
  const std::string keyword = absl::StrCat(owner, ":", entry.key);
  PathCondition condition;
  condition.place = entry.value->place;
  if (!entry.value->IsMap()) {
    if (!ReadGlobs(context, *entry.value, keyword, condition)) return std::nullopt;
    return condition;
  }
  if (!context.CheckKeys(*entry.value, section, keyword)) return std::nullopt;
  const config::Entry* paths = entry.value->Find("paths");
  const config::Entry* regexp = entry.value->Find("regexp");
  if ((paths == nullptr) == (regexp == nullptr)) {
    context.Error(entry.value->place,
                  absl::StrCat("'", keyword, "' needs either 'paths' or 'regexp'"));
    return std::nullopt;
  }
  bool ok = true;
  if (paths != nullptr) ok = ReadGlobs(context, *paths->value, keyword + ":paths", condition);
  if (regexp != nullptr) {
    ok = ReadRegex(context, *regexp->value, keyword + ":regexp", condition);
  }
  if (const config::Entry* to = entry.value->Find("compare_to"); to != nullptr && ok) {
    std::optional<std::string> text = context.Text(*to->value, keyword + ":compare_to");
    ok = text.has_value();
    condition.compare_to = std::move(text).value_or("");
  }
  if (!ReadProject(context, *entry.value, keyword, condition)) ok = false;
  return ok ? std::optional<PathCondition>(std::move(condition)) : std::nullopt;
}

}  // namespace grange::pipeline
