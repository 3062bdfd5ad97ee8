#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

// Paths must stay in the project's folder; what variables may hold is checked by the agent.
std::vector<std::string> ReadPaths(ParseContext& context, const config::Value& value,
                                   absl::string_view keyword) {
  std::vector<std::string> paths;
  const std::optional<std::vector<Named>> names = context.Names(value, keyword);
  if (!names.has_value()) return paths;
  for (const Named& name : *names) {
    bool leaves = false;
    for (const absl::string_view part : absl::StrSplit(name.name, '/')) {
      leaves = leaves || part == "..";
    }
    if (leaves) {
      context.Error(name.place, absl::StrCat("'", keyword, "': '", name.name,
                                             "' leaves the project's folder; artifacts are taken ",
                                             "from inside it"));
    } else {
      paths.push_back(name.name);
    }
  }
  return paths;
}

void ReadWhen(ParseContext& context, const config::Value& value, Artifacts& artifacts) {
  if (value.IsScalar() && value.text == "on_success") {
    artifacts.when = Artifacts::When::kOnSuccess;
  } else if (value.IsScalar() && value.text == "on_failure") {
    artifacts.when = Artifacts::When::kOnFailure;
  } else if (value.IsScalar() && value.text == "always") {
    artifacts.when = Artifacts::When::kAlways;
  } else {
    context.Error(value.place, "'artifacts:when' takes on_success, on_failure or always");
  }
}

}  // namespace

void ParseArtifacts(ParseContext& context, const config::Entry& entry) {
  const config::Value& map = *entry.value;
  if (map.IsNull()) return;
  if (!map.IsMap()) return context.WrongType(map, "artifacts", "a map with 'paths'");
  context.CheckKeys(map, Section::kArtifacts);
  Artifacts artifacts;
  for (const config::Entry& key : map.entries) {
    if (key.value->IsNull()) continue;
    if (key.key == "paths") artifacts.paths = ReadPaths(context, *key.value, "artifacts:paths");
    if (key.key == "exclude") {
      artifacts.exclude = ReadPaths(context, *key.value, "artifacts:exclude");
    }
    if (key.key == "when") ReadWhen(context, *key.value, artifacts);
    if (key.key == "name") artifacts.name = context.Text(*key.value, "artifacts:name").value_or("");
  }
  context.job->artifacts = std::move(artifacts);
}

}  // namespace grange::pipeline
