#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

void CheckTime(ParseContext& context, const config::Value& value) {
  const std::optional<std::string> text = context.PlainText(value, "release:released_at");
  absl::Time time;
  std::string error;
  if (!text.has_value() || absl::StrContains(*text, '$') ||
      absl::ParseTime(absl::RFC3339_full, *text, &time, &error)) {
    return;
  }
  context.Error(value.place, absl::StrCat("'release:released_at' takes a time such as ",
                                          "'2024-03-15T08:00:00Z', not '", *text, "'"));
}

void CheckLink(ParseContext& context, const config::Value& link) {
  if (!link.IsMap()) {
    return context.WrongType(link, "release:assets:links", "maps with 'name' and 'url'");
  }
  for (const config::Entry& key : link.entries) {
    const std::string keyword = absl::StrCat("release:assets:links:", key.key);
    if (key.key == "link_type") {
      context.Word(*key.value, keyword, {"other", "runbook", "image", "package"});
    } else if (key.key == "name" || key.key == "url" || key.key == "filepath") {
      context.PlainText(*key.value, keyword);
    } else {
      context.Error(key.key_place,
                    absl::StrCat("unknown keyword '", key.key, "' in 'release:assets:links'"));
    }
  }
  for (const absl::string_view name : {"name", "url"}) {
    if (link.Find(name) == nullptr) {
      context.Error(link.place, absl::StrCat("a link of a release needs a '", name, "'"));
    }
  }
}

void CheckAssets(ParseContext& context, const config::Value& assets) {
  const config::Entry* links = assets.IsMap() ? assets.Find("links") : nullptr;
  if (links == nullptr || assets.entries.size() != 1 || !links->value->IsList()) {
    return context.Error(assets.place, "'release:assets' takes a map with a list of 'links'");
  }
  std::vector<const config::Value*> values;
  if (!context.Flatten(*links->value, "release:assets:links", values)) return;
  for (const config::Value* link : values) CheckLink(context, *link);
}

void CheckKey(ParseContext& context, const config::Entry& key) {
  const std::string keyword = absl::StrCat("release:", key.key);
  if (key.key == "released_at") {
    CheckTime(context, *key.value);
  } else if (key.key == "assets") {
    CheckAssets(context, *key.value);
  } else if (key.key == "milestones") {
    context.PlainTexts(*key.value, keyword);
  } else if (context.Text(*key.value, keyword) == "") {
    context.Error(key.value->place, absl::StrCat("'", keyword, "' is empty; give it a text"));
  }
}

}  // namespace

void ParseRelease(ParseContext& context, const config::Entry& entry) {
  const config::Value& map = *entry.value;
  if (map.IsNull()) return;
  if (!map.IsMap()) {
    return context.WrongType(map, "release", "a map with 'tag_name' and 'description'");
  }
  context.CheckKeys(map, Section::kRelease);
  for (const config::Entry& key : map.entries) {
    if (!key.value->IsNull() && FindKeyword(Section::kRelease, key.key) != nullptr) {
      CheckKey(context, key);
    }
  }
  for (const absl::string_view name : {"tag_name", "description"}) {
    const config::Entry* found = map.Find(name);
    if (found == nullptr || found->value->IsNull()) {
      context.Error(map.place, absl::StrCat("'release' needs a '", name, "'"));
    }
  }
  context.job->release = context.AsWritten(map, "release");
}

}  // namespace grange::pipeline
