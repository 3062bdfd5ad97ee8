#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

enum class Empty { kRefused, kAllowed };

// What is wrong with one line, most often a ": " that makes it a map.
void ReportLine(ParseContext& context, const config::Value& line, absl::string_view keyword) {
  if (line.IsMap()) {
    context.Error(line.place,
                  absl::StrCat("a line of '", keyword, "' must be text, but this one is a map, ",
                               "because of its ': '; put the whole line in quotes"));
  } else if (line.IsNull()) {
    context.Error(line.place, absl::StrCat("a line of '", keyword, "' is empty; remove it"));
  } else {
    context.Error(line.place, absl::StrCat("a line of '", keyword, "' must be text, but this is ",
                                           line.KindName(), "; put it in quotes"));
  }
}

std::optional<std::vector<std::string>> ReadLines(ParseContext& context, const config::Entry& entry,
                                                  Empty empty) {
  const config::Value& value = *entry.value;
  if (value.IsNull()) return std::nullopt;
  if (value.IsMap()) {
    context.WrongType(value, entry.key, "a command or a list of commands");
    return std::nullopt;
  }
  std::vector<const config::Value*> values;
  if (value.IsScalar()) {
    if (!value.text.empty() || empty == Empty::kRefused) values.push_back(&value);
  } else if (!context.Flatten(value, entry.key, values)) {
    return std::nullopt;
  }
  const bool nothing = values.empty() || (value.IsScalar() && value.text.empty());
  if (nothing && empty == Empty::kRefused) {
    context.Error(value.place, absl::StrCat("'", entry.key, "' is empty; it needs a command"));
    return std::nullopt;
  }
  std::vector<std::string> lines;
  lines.reserve(values.size());
  for (const config::Value* line : values) {
    if (line->IsText()) {
      lines.push_back(line->text);
    } else {
      ReportLine(context, *line, entry.key);
    }
  }
  return lines;
}

}  // namespace

void ParseScript(ParseContext& context, const config::Entry& entry) {
  context.job->script = ReadLines(context, entry, Empty::kRefused);
}

void ParseBeforeScript(ParseContext& context, const config::Entry& entry) {
  context.job->before_script = ReadLines(context, entry, Empty::kAllowed);
}

void ParseAfterScript(ParseContext& context, const config::Entry& entry) {
  context.job->after_script = ReadLines(context, entry, Empty::kAllowed);
}

void ParseHooks(ParseContext& context, const config::Entry& entry) {
  const config::Value& map = *entry.value;
  if (map.IsNull()) return;
  if (!map.IsMap()) return context.WrongType(map, "hooks", "a map with 'pre_get_sources_script'");
  context.CheckKeys(map, Section::kHooks);
  std::vector<std::string>& lines = context.job->pre_get_sources_script.emplace();
  if (const config::Entry* script = map.Find("pre_get_sources_script"); script != nullptr) {
    lines = ReadLines(context, *script, Empty::kAllowed).value_or(std::vector<std::string>());
  }
}

}  // namespace grange::pipeline
