#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

// The long form: {value, expand, …}.
std::optional<Variable> ReadLongForm(ParseContext& context, const config::Entry& entry,
                                     Section section) {
  const config::Value& map = *entry.value;
  if (!context.CheckKeys(map, section)) return std::nullopt;
  Variable variable{entry.key, "", true};
  const config::Entry* value = map.Find("value");
  if (value != nullptr) {
    const std::optional<std::string> text = context.Text(*value->value, "variables:value");
    if (!text.has_value()) return std::nullopt;
    variable.value = *text;
  } else if (section == Section::kJobVariable || map.Find("description") == nullptr) {
    context.Error(entry.key_place, absl::StrCat("variable '", entry.key, "' needs a 'value'"));
    return std::nullopt;
  }
  if (const config::Entry* description = map.Find("description"); description != nullptr) {
    if (!context.Text(*description->value, "variables:description").has_value()) {
      return std::nullopt;
    }
  }
  if (const config::Entry* expand = map.Find("expand"); expand != nullptr) {
    const std::optional<bool> truth = context.Bool(*expand->value, "variables:expand");
    if (!truth.has_value()) return std::nullopt;
    variable.expand = *truth;
  }
  if (const config::Entry* options = map.Find("options"); options != nullptr) {
    const auto texts = context.Texts(*options->value, "variables:options");
    if (!texts.has_value()) return std::nullopt;
    if (std::find(texts->begin(), texts->end(), variable.value) == texts->end()) {
      context.Error(options->value->place,
                    absl::StrCat("the 'options' of variable '", entry.key,
                                 "' must have its value '", variable.value, "' among them"));
      return std::nullopt;
    }
  }
  return variable;
}

}  // namespace

std::vector<Variable> ReadVariables(ParseContext& context, const config::Value& map,
                                    Section section) {
  std::vector<Variable> variables;
  if (map.IsNull()) return variables;
  if (!map.IsMap()) {
    context.WrongType(map, "variables", "a map from names to values");
    return variables;
  }
  for (const config::Entry& entry : map.entries) {
    if (entry.key.empty() || absl::StrContains(entry.key, '=')) {
      context.Error(entry.key_place, absl::StrCat("'", entry.key, "' can't name a variable; take ",
                                                  "letters, digits and '_'"));
      continue;
    }
    if (entry.value->IsScalar()) {
      variables.push_back({entry.key, entry.value->text, true});
    } else if (entry.value->IsMap()) {
      std::optional<Variable> variable = ReadLongForm(context, entry, section);
      if (variable.has_value()) variables.push_back(*std::move(variable));
    } else if (entry.value->IsNull()) {
      context.Error(entry.key_place, absl::StrCat("variable '", entry.key, "' has no value; write ",
                                                  entry.key, ": \"\" for an empty one"));
    } else {
      context.Error(entry.value->place,
                    absl::StrCat("variable '", entry.key, "' takes text, but this is ",
                                 entry.value->KindName()));
    }
  }
  return variables;
}

void ParseGlobalVariables(ParseContext& context, const config::Entry& entry) {
  context.file.variables = ReadVariables(context, *entry.value, Section::kVariable);
}

void ParseJobVariables(ParseContext& context, const config::Entry& entry) {
  context.job->variables = ReadVariables(context, *entry.value, Section::kJobVariable);
}

}  // namespace grange::pipeline
