#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

// Keywords for what only GitLab has: read and checked, then dropped.
namespace grange::pipeline {

void ParsePages(ParseContext& context, const config::Entry& entry) {
  const config::Value& value = *entry.value;
  if (value.IsNull() || value.AsBool().has_value()) return;
  if (!value.IsMap()) {
    return context.WrongType(value, "pages", "true, false or a map with 'publish'");
  }
  context.CheckKeys(value, Section::kPages);
  for (const config::Entry& key : value.entries) {
    if (key.value->IsNull()) continue;
    if (key.key == "publish") context.PlainText(*key.value, "pages:publish");
    if (key.key == "path_prefix") context.Text(*key.value, "pages:path_prefix");
    if (key.key == "expire_in" && !(key.value->IsScalar() && key.value->text == "never")) {
      context.Duration(*key.value, "pages:expire_in");
    }
  }
}

void ParsePublish(ParseContext& context, const config::Entry& entry) {
  if (!entry.value->IsNull()) context.PlainText(*entry.value, "publish");
}

void ParseDastConfiguration(ParseContext& context, const config::Entry& entry) {
  const config::Value& map = *entry.value;
  if (map.IsNull()) return;
  if (!map.IsMap()) {
    return context.WrongType(map, "dast_configuration",
                             "a map with 'site_profile' and 'scanner_profile'");
  }
  context.CheckKeys(map, Section::kDast);
  for (const config::Entry& key : map.entries) {
    if (!key.value->IsNull()) {
      context.Text(*key.value, absl::StrCat("dast_configuration:", key.key));
    }
  }
}

}  // namespace grange::pipeline
