#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/written.h"

namespace grange::pipeline {
namespace {

// Where the files of a child pipeline may come from: an entry of `trigger:include` has one.
constexpr std::array<absl::string_view, 6> kSources = {"local",    "project",  "remote",
                                                       "template", "artifact", "component"};

bool IsSet(const config::Value& map, absl::string_view name) {
  const config::Entry* entry = map.Find(name);
  return entry != nullptr && !entry->value->IsNull();
}

void CheckIsYaml(ParseContext& context, const config::Value& value, const std::string& path,
                 absl::string_view keyword) {
  if (absl::EndsWith(path, ".yml") || absl::EndsWith(path, ".yaml") ||
      absl::StrContains(path, '$')) {
    return;
  }
  context.Error(value.place,
                absl::StrCat("'", keyword, "': '", path, "' must end in '.yml' or '.yaml'"));
}

void CheckInputs(ParseContext& context, const config::Value& map, absl::string_view keyword) {
  if (!map.IsMap()) return context.WrongType(map, keyword, "a map from names to values");
  for (const config::Entry& input : map.entries) {
    const bool plain =
        !input.key.empty() && std::all_of(input.key.begin(), input.key.end(), [](char c) {
          return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
        });
    if (plain) continue;
    context.Error(input.key_place, absl::StrCat("'", input.key, "' can't name an input; take ",
                                                "letters, digits, '_' and '-'"));
  }
}

void CheckIncludeKey(ParseContext& context, const config::Entry& key) {
  const std::string keyword = absl::StrCat("trigger:include:", key.key);
  const config::Value& value = *key.value;
  if (key.key == "inputs") return CheckInputs(context, value, keyword);
  if (key.key == "project") {
    CheckProjectPath(context, value, keyword);
  } else if (key.key == "file") {
    const std::optional<std::vector<std::string>> files = context.PlainTexts(value, keyword);
    if (!files.has_value()) return;
    for (const std::string& file : *files) CheckIsYaml(context, value, file, keyword);
  } else {
    const std::optional<std::string> text = context.PlainText(value, keyword);
    if (!text.has_value()) return;
    if (key.key == "remote" && !absl::StartsWith(*text, "http://") &&
        !absl::StartsWith(*text, "https://") && !absl::StrContains(*text, '$')) {
      context.Error(value.place, absl::StrCat("'", keyword, "' takes a URL with http:// or ",
                                              "https://, not '", *text, "'"));
    } else if (key.key != "component" && key.key != "job" && key.key != "ref") {
      CheckIsYaml(context, value, *text, keyword);
    }
  }
}

// `first` and `second` stand together only.
void CheckPair(ParseContext& context, const config::Value& map, absl::string_view first,
               absl::string_view second) {
  if (IsSet(map, first) == IsSet(map, second)) return;
  const absl::string_view missing = IsSet(map, first) ? second : first;
  context.Error(map.place,
                absl::StrCat("an entry of 'trigger:include' with '",
                             IsSet(map, first) ? first : second, "' needs '", missing, "' too"));
}

std::optional<Written> ReadInclude(ParseContext& context, const config::Value& value) {
  if (value.IsScalar()) {
    const std::optional<std::string> path = context.PlainText(value, "trigger:include");
    if (!path.has_value()) return std::nullopt;
    CheckIsYaml(context, value, *path, "trigger:include");
    return WrittenPair("local", *path);
  }
  if (!value.IsMap()) {
    context.WrongType(value, "trigger:include", "paths or maps such as {local: child.yml}");
    return std::nullopt;
  }
  if (!context.CheckKeys(value, Section::kTriggerInclude)) return std::nullopt;
  for (const config::Entry& key : value.entries) {
    if (!key.value->IsNull()) CheckIncludeKey(context, key);
  }
  CheckPair(context, value, "project", "file");
  CheckPair(context, value, "artifact", "job");
  if (IsSet(value, "ref") && !IsSet(value, "project")) {
    context.Error(value.place, "'trigger:include:ref' is only for 'project'");
  }
  const auto sources = std::count_if(kSources.begin(), kSources.end(),
                                     [&](absl::string_view one) { return IsSet(value, one); });
  if (sources > 1 || (sources == 0 && !IsSet(value, "file") && !IsSet(value, "job"))) {
    context.Error(value.place,
                  "an entry of 'trigger:include' has one of 'local', 'project', 'remote', "
                  "'template', 'artifact' and 'component'");
  }
  return context.AsWritten(value, "trigger:include");
}

void ReadIncludes(ParseContext& context, const config::Value& value, Downstream& trigger) {
  std::vector<const config::Value*> values = {&value};
  if (value.IsList()) {
    values.clear();
    if (!context.Flatten(value, "trigger:include", values)) return;
  }
  if (values.empty() || values.size() > kTriggerIncludesMax) {
    return context.Error(value.place,
                         absl::StrCat("'trigger:include' takes 1 to ", kTriggerIncludesMax,
                                      " files, not ", values.size()));
  }
  for (const config::Value* one : values) {
    std::optional<Written> include = ReadInclude(context, *one);
    if (include.has_value()) trigger.include.push_back(*std::move(include));
  }
}

void ReadForward(ParseContext& context, const config::Value& map, Downstream& trigger) {
  if (!map.IsMap()) {
    return context.WrongType(map, "trigger:forward",
                             "a map with 'yaml_variables' or 'pipeline_variables'");
  }
  context.CheckKeys(map, Section::kForward);
  for (const config::Entry& key : map.entries) {
    if (key.value->IsNull()) continue;
    bool& target = key.key == "yaml_variables" ? trigger.forward_yaml_variables
                                               : trigger.forward_pipeline_variables;
    if (FindKeyword(Section::kForward, key.key) == nullptr) continue;
    target = context.Bool(*key.value, absl::StrCat("trigger:forward:", key.key)).value_or(target);
  }
}

void ReadKey(ParseContext& context, const config::Entry& key, Downstream& trigger) {
  const std::string keyword = absl::StrCat("trigger:", key.key);
  const config::Value& value = *key.value;
  if (key.key == "project") {
    if (CheckProjectPath(context, value, keyword)) trigger.project = value.text;
  } else if (key.key == "branch") {
    trigger.branch = context.PlainText(value, keyword).value_or("");
  } else if (key.key == "include") {
    ReadIncludes(context, value, trigger);
  } else if (key.key == "strategy") {
    trigger.strategy = context.Word(value, keyword, {"depend", "mirror"}).value_or("");
  } else if (key.key == "forward") {
    ReadForward(context, value, trigger);
  } else if (key.key == "inputs") {
    CheckInputs(context, value, keyword);
    trigger.inputs = context.AsWritten(value, keyword).value_or(Written());
  }
}

}  // namespace

bool CheckProjectPath(ParseContext& context, const config::Value& value,
                      absl::string_view keyword) {
  const std::optional<std::string> path = context.PlainText(value, keyword);
  if (!path.has_value()) return false;
  const size_t slash = path->find('/');
  const bool ends = absl::StartsWith(*path, "/") || absl::EndsWith(*path, "/");
  const bool blanks = std::any_of(path->begin(), path->end(), [](char c) {
    return absl::ascii_isspace(static_cast<unsigned char>(c));
  });
  if (absl::StrContains(*path, '$') || (slash != std::string::npos && !ends && !blanks)) {
    return true;
  }
  context.Error(value.place, absl::StrCat("'", keyword, "' takes the path of a project, such as ",
                                          "'group/project', not '", *path, "'"));
  return false;
}

void ParseTrigger(ParseContext& context, const config::Entry& entry) {
  const config::Value& value = *entry.value;
  if (value.IsNull()) return;
  Downstream trigger;
  if (value.IsMap()) {
    context.CheckKeys(value, Section::kTrigger);
    for (const config::Entry& key : value.entries) {
      if (!key.value->IsNull()) ReadKey(context, key, trigger);
    }
    if (IsSet(value, "project") == IsSet(value, "include")) {
      context.Error(value.place, "'trigger' needs either 'project' or 'include'");
    }
    if (IsSet(value, "branch") && IsSet(value, "include")) {
      context.Error(value.Find("branch")->key_place, "'trigger:branch' is only for 'project'");
    }
  } else if (value.IsScalar()) {
    if (CheckProjectPath(context, value, "trigger")) trigger.project = value.text;
  } else {
    return context.WrongType(value, "trigger",
                             "the path of a project, or a map with 'project' or 'include'");
  }
  context.job->trigger = std::move(trigger);
}

}  // namespace grange::pipeline
