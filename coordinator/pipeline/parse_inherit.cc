#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

// true, false or a list of names; false if it is none of these.
bool ReadChoice(ParseContext& context, const config::Value& value, absl::string_view keyword,
                bool& all, std::vector<std::string>& names) {
  if (const std::optional<bool> truth = value.AsBool(); truth.has_value()) {
    all = *truth;
    return true;
  }
  if (!value.IsList()) {
    context.WrongType(value, keyword, "true, false or a list of names");
    return false;
  }
  std::optional<std::vector<std::string>> texts = context.Texts(value, keyword);
  if (!texts.has_value()) return false;
  all = false;
  names = *std::move(texts);
  return true;
}

}  // namespace

void ParseInherit(ParseContext& context, const config::Entry& entry) {
  const config::Value& map = *entry.value;
  if (map.IsNull()) return;
  if (!map.IsMap()) {
    return context.WrongType(map, "inherit", "a map with 'default' or 'variables'");
  }
  context.CheckKeys(map, Section::kInherit);
  Inherit& inherit = context.job->inherit;
  if (const config::Entry* names = map.Find("default"); names != nullptr) {
    ReadChoice(context, *names->value, "inherit:default", inherit.all_defaults, inherit.defaults);
    for (const std::string& name : inherit.defaults) {
      if (FindKeyword(Section::kDefault, name) != nullptr) continue;
      context.Error(
          names->value->place,
          absl::StrCat("'inherit:default': 'default' has no keyword '", name, "'",
                       context.problems.DidYouMean(name, KeywordNames(Section::kDefault))));
    }
  }
  if (const config::Entry* names = map.Find("variables"); names != nullptr) {
    ReadChoice(context, *names->value, "inherit:variables", inherit.all_variables,
               inherit.variables);
  }
}

}  // namespace grange::pipeline
