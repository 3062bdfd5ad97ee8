#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/stage_list.h"

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
    context.Error(value.place,
                  absl::StrCat("'artifacts:when' takes on_success, on_failure or always",
                               value.IsScalar() ? absl::StrCat(", not '", value.text, "'")
                                                : absl::StrCat(", but this is ", value.KindName())));
  }
}

void ReadExpireIn(ParseContext& context, const config::Value& value, Artifacts& artifacts) {
  if (value.IsScalar() && value.text == "never") {
    artifacts.expire_in = absl::InfiniteDuration();
  } else {
    artifacts.expire_in = context.Duration(value, "artifacts:expire_in");
  }
}

void ReadExposeAs(ParseContext& context, const config::Value& value, Artifacts& artifacts) {
  const std::optional<std::string> text = context.PlainText(value, "artifacts:expose_as");
  if (!text.has_value()) return;
  const bool plain = std::all_of(text->begin(), text->end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == ' ';
  });
  if (!plain || CharacterCount(*text) > kExposeAsMax) {
    return context.Error(value.place,
                         absl::StrCat("'artifacts:expose_as' takes up to ", kExposeAsMax,
                                      " letters, digits, blanks, '-' ", "and '_'"));
  }
  artifacts.expose_as = *text;
}

// `public` is the older word for `access`.
void ReadAccess(ParseContext& context, const config::Value& map, Artifacts& artifacts) {
  const config::Entry* access = map.Find("access");
  const config::Entry* is_public = map.Find("public");
  if (is_public != nullptr && !is_public->value->IsNull()) {
    const std::optional<bool> open = context.Bool(*is_public->value, "artifacts:public");
    if (open.has_value()) artifacts.access = *open ? "all" : "developer";
  }
  if (access == nullptr || access->value->IsNull()) return;
  if (is_public != nullptr && !is_public->value->IsNull()) {
    return context.Error(access->key_place,
                         "'artifacts' has either 'access' or 'public'; keep 'access'");
  }
  artifacts.access =
      context.Word(*access->value, "artifacts:access", {"all", "developer", "maintainer", "none"})
          .value_or("");
}

void ReadKey(ParseContext& context, const config::Entry& key, Artifacts& artifacts) {
  const config::Value& value = *key.value;
  if (key.key == "paths") {
    artifacts.paths = ReadPaths(context, value, "artifacts:paths");
  } else if (key.key == "exclude") {
    artifacts.exclude = ReadPaths(context, value, "artifacts:exclude");
  } else if (key.key == "when") {
    ReadWhen(context, value, artifacts);
  } else if (key.key == "name") {
    artifacts.name = context.Text(value, "artifacts:name").value_or("");
  } else if (key.key == "untracked") {
    artifacts.untracked = context.Bool(value, "artifacts:untracked").value_or(false);
  } else if (key.key == "expire_in") {
    ReadExpireIn(context, value, artifacts);
  } else if (key.key == "expose_as") {
    ReadExposeAs(context, value, artifacts);
  } else if (key.key == "reports") {
    ReadReports(context, value, artifacts);
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
    if (!key.value->IsNull()) ReadKey(context, key, artifacts);
  }
  ReadAccess(context, map, artifacts);
  if (!artifacts.expose_as.empty() && map.Find("paths") == nullptr) {
    context.Error(map.Find("expose_as")->key_place, "'artifacts:expose_as' needs 'paths'");
  }
  context.job->artifacts = std::move(artifacts);
}

}  // namespace grange::pipeline
