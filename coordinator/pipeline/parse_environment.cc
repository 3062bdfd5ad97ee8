#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/pipeline/environment.h"
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

// Checked at once unless it has a variable.
void ReadAutoStopIn(ParseContext& context, const config::Value& value, Environment& environment) {
  const bool variable = value.IsScalar() && absl::StrContains(value.text, '$');
  if (!variable && !context.Duration(value, "environment:auto_stop_in").has_value()) return;
  environment.auto_stop_in = Named{value.text, value.place};
}

void ReadKey(ParseContext& context, const config::Entry& key, Environment& environment) {
  const config::Value& value = *key.value;
  if (key.key == "name") {
    environment.place = value.place;
    environment.name = context.Text(value, "environment:name").value_or("");
  } else if (key.key == "url") {
    environment.url = context.Text(value, "environment:url").value_or("");
  } else if (key.key == "action") {
    environment.action = ReadWord(context, key, kActions);
  } else if (key.key == "deployment_tier") {
    environment.tier = ReadWord(context, key, kTiers);
  } else if (key.key == "on_stop") {
    const std::optional<std::string> job = context.PlainText(value, "environment:on_stop");
    if (job.has_value()) environment.on_stop = Named{*job, value.place};
  } else if (key.key == "auto_stop_in") {
    ReadAutoStopIn(context, value, environment);
  } else if (key.key == "kubernetes") {
    if (!value.IsMap()) return context.WrongType(value, "environment:kubernetes", "a map");
    environment.kubernetes = context.AsWritten(value, "environment:kubernetes").value_or(Written());
  }
}

// A name without variables is what it will be.
bool CheckName(ParseContext& context, const Environment& environment) {
  if (environment.name.empty() || absl::StrContains(environment.name, '$')) return true;
  const absl::Status named = CheckEnvironmentName(environment.name);
  if (named.ok()) return true;
  context.Error(environment.place, absl::StrCat("'environment': ", named.message()));
  return false;
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
    if (!entry.value->IsText()) {
      return context.WrongType(*entry.value, "environment", "the name of an environment or a map");
    }
    environment.name = *std::move(name);
    if (CheckName(context, environment)) context.job->environment = std::move(environment);
    return;
  }
  if (!context.CheckKeys(*entry.value, Section::kEnvironment)) return;
  for (const config::Entry& key : entry.value->entries) {
    if (!key.value->IsNull()) ReadKey(context, key, environment);
  }
  const config::Entry* name = entry.value->Find("name");
  if (name == nullptr || name->value->IsNull()) {
    return context.Error(entry.value->place, "'environment' needs a 'name'");
  }
  if (CheckName(context, environment)) context.job->environment = std::move(environment);
}

}  // namespace grange::pipeline
