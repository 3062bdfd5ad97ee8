#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

bool ReadRef(ParseContext& context, const config::Value& value, absl::string_view keyword,
             Filter& filter) {
  if (!value.IsScalar() || value.text.empty()) {
    context.Error(
        value.place,
        absl::StrCat("'", keyword, "' takes names of branches and tags, /regex/, or words ",
                     "such as 'tags', but this is ", value.KindName()));
    return false;
  }
  Filter::Ref ref{.text = value.text, .name = value.text, .project = "", .pattern = nullptr};
  if (!Pattern::HasSlashes(value.text)) {
    if (const size_t at = value.text.rfind('@'); at != std::string::npos) {
      ref.name = value.text.substr(0, at);
      ref.project = value.text.substr(at + 1);
    }
  }
  if (absl::StartsWith(ref.name, "/")) {
    absl::StatusOr<std::shared_ptr<const Pattern>> pattern = context.patterns.Get(ref.name);
    if (!pattern.ok()) {
      context.Error(value.place, absl::StrCat("'", keyword, "': ", pattern.status().message()));
      return false;
    }
    ref.pattern = *std::move(pattern);
  }
  filter.refs.push_back(std::move(ref));
  return true;
}

void ReadRefs(ParseContext& context, const config::Value& list, absl::string_view keyword,
              Filter& filter) {
  filter.has_refs = true;
  if (!list.IsList()) {
    context.WrongType(list, keyword, "a list such as [main, tags, /^release-/]");
    return;
  }
  std::vector<const config::Value*> values;
  if (!context.Flatten(list, keyword, values)) return;
  for (const config::Value* value : values) ReadRef(context, *value, keyword, filter);
}

void ReadConditions(ParseContext& context, const config::Value& list, absl::string_view keyword,
                    Filter& filter) {
  filter.has_variables = true;
  if (!list.IsList()) {
    context.WrongType(list, keyword, "a list of expressions");
    return;
  }
  std::vector<const config::Value*> values;
  if (!context.Flatten(list, keyword, values)) return;
  for (const config::Value* value : values) {
    std::shared_ptr<const Expression> condition = context.Condition(*value, keyword);
    if (condition != nullptr) filter.variables.push_back(std::move(condition));
  }
}

void ReadFilter(ParseContext& context, const config::Entry& entry, std::optional<Filter>& target) {
  const config::Value& value = *entry.value;
  if (value.IsNull()) return;
  Filter filter;
  filter.place = entry.key_place;
  if (!value.IsMap()) {
    ReadRefs(context, value, entry.key, filter);
    target = std::move(filter);
    return;
  }
  context.CheckKeys(value, Section::kFilter, entry.key);
  for (const config::Entry& key : value.entries) {
    const std::string keyword = absl::StrCat(entry.key, ":", key.key);
    if (key.value->IsNull()) continue;
    if (key.key == "refs") ReadRefs(context, *key.value, keyword, filter);
    if (key.key == "variables") ReadConditions(context, *key.value, keyword, filter);
    if (key.key == "changes") {
      filter.changes = ReadPathCondition(context, key, entry.key, Section::kChanges);
    }
    if (key.key == "kubernetes") {
      filter.has_kubernetes = context.Word(*key.value, keyword, {"active"}).has_value();
    }
  }
  target = std::move(filter);
}

}  // namespace

void ParseOnly(ParseContext& context, const config::Entry& entry) {
  ReadFilter(context, entry, context.job->only);
}

void ParseExcept(ParseContext& context, const config::Entry& entry) {
  ReadFilter(context, entry, context.job->except);
}

}  // namespace grange::pipeline
