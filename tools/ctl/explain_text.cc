#include "tools/ctl/explain_text.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tools/ctl/table.h"

namespace grange::ctl {
namespace {

using Origin = pipeline::JobDecision::KeywordOrigin;

// The key at the left margin of a file under which a line stands; "" if none can be told.
std::string OwnerOf(const config::MergedConfig& config, const SourceSpan& place) {
  const std::string* const text = config.TextOf(place.file);
  if (text == nullptr) return "";
  std::string owner;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (++number > place.line) break;
    if (line.empty() || absl::StrContains(" \t#-}]", line[0])) continue;
    const size_t colon = line.find(':');
    if (colon != absl::string_view::npos) owner = std::string(line.substr(0, colon));
  }
  // A name with a colon of its own is in quotes, or followed by another one.
  return owner;
}

// True if the job, or all instances of which it is one, is written under this key.
bool IsOf(const std::string& job, const std::string& owner) {
  absl::string_view rest = job;
  if (owner.empty() || !absl::ConsumePrefix(&rest, owner)) return false;
  return rest.empty() || rest[0] == ' ' || absl::StartsWith(rest, ": [");
}

std::string Source(const pipeline::JobDecision& decision, const config::MergedConfig& config,
                   const Origin& origin) {
  if (origin.from_default) return "default";
  const std::string owner = OwnerOf(config, origin.place);
  if (owner.empty() || IsOf(decision.job, owner)) return "the job";
  return owner;
}

std::string ValueText(const std::optional<std::string>& value) {
  return value.has_value() ? absl::StrCat("\"", *value, "\"") : "(not defined)";
}

}  // namespace

std::string ExplainText(const pipeline::JobDecision& decision, const config::MergedConfig& config,
                        const Terminal& terminal) {
  std::string text = absl::StrCat(Printable(decision.job), " is ", decision.in ? "in" : "out", ": ",
                                  Printable(decision.reason), "\n  ",
                                  Printable(decision.place.ToString()), "\n");
  if (!decision.looked_at.empty()) {
    Table variables({{"VARIABLE"}, {"VALUE"}});
    for (const auto& [name, value] : decision.looked_at) {
      variables.AddRow({name, ValueText(value)});
    }
    absl::StrAppend(&text, "\n", variables.ToString(terminal));
  }
  if (!decision.origins.empty()) {
    Table keywords({{"KEYWORD"}, {"FROM"}, {"PLACE"}});
    for (const Origin& origin : decision.origins) {
      keywords.AddRow({origin.keyword, Source(decision, config, origin), origin.place.ToString()});
    }
    absl::StrAppend(&text, "\n", keywords.ToString(terminal));
  }
  return text;
}

Json ExplainJson(const pipeline::JobDecision& decision, const config::MergedConfig& config) {
  Json variables = Json::object();
  for (const auto& [name, value] : decision.looked_at) {
    variables[name] = value.has_value() ? Json(*value) : Json(nullptr);
  }
  Json keywords = Json::array();
  for (const Origin& origin : decision.origins) {
    keywords.push_back({{"keyword", origin.keyword},
                        {"from", Source(decision, config, origin)},
                        {"file", origin.place.file},
                        {"line", origin.place.line}});
  }
  return {{"job", decision.job},
          {"in", decision.in},
          {"file", decision.place.file},
          {"line", decision.place.line},
          {"reason", decision.reason},
          {"variables", std::move(variables)},
          {"keywords", std::move(keywords)}};
}

}  // namespace grange::ctl
