#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

constexpr std::array<absl::string_view, 5> kActions = {"start", "prepare", "stop", "verify",
                                                       "access"};
constexpr std::array<absl::string_view, 5> kTiers = {"production", "staging", "testing",
                                                     "development", "other"};

// One of the words; "", reported, if it is something else.
template <size_t kCount>
std::string ReadWord(ParseContext& context, const config::Entry& entry,
                     const std::array<absl::string_view, kCount>& words) {
  const std::string keyword = absl::StrCat("environment:", entry.key);
  std::optional<std::string> text = context.Text(*entry.value, keyword);
  if (!text.has_value()) return "";
  if (std::find(words.begin(), words.end(), *text) != words.end()) return *std::move(text);
  context.Error(
      entry.value->place,
      absl::StrCat("'", keyword, "' takes ", absl::StrJoin(words, ", "), ", not '", *text, "'"));
  return "";
}

}  // namespace

void ParseEnvironment(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  Environment environment;
  environment.place = entry.value->place;
  environment.action = "start";
  if (!entry.value->IsMap()) {
    std::optional<std::string> name = context.Text(*entry.value, "environment");
    if (!name.has_value()) return;
    environment.name = *std::move(name);
    context.job->environment = std::move(environment);
    return;
  }
  if (!context.CheckKeys(*entry.value, Section::kEnvironment)) return;
  for (const config::Entry& key : entry.value->entries) {
    if (key.key == "name") {
      environment.place = key.value->place;
      environment.name = context.Text(*key.value, "environment:name").value_or("");
    } else if (key.key == "url") {
      environment.url = context.Text(*key.value, "environment:url").value_or("");
    } else if (key.key == "action") {
      environment.action = ReadWord(context, key, kActions);
    } else if (key.key == "deployment_tier") {
      environment.tier = ReadWord(context, key, kTiers);
    }
  }
  if (entry.value->Find("name") == nullptr) {
    return context.Error(entry.value->place, "'environment' needs a 'name'");
  }
  context.job->environment = std::move(environment);
}

}  // namespace grange::pipeline
