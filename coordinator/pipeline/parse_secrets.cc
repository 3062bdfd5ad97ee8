#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

// A key of the settings of a provider.
struct Setting {
  absl::string_view name;
  bool required = false;
};

struct Provider {
  absl::string_view name;
  bool text = false;         // takes a text instead of the map, too
  bool needs_token = false;  // can't be asked without `token`
  std::vector<Setting> settings;
};

const std::vector<Provider>& Providers() {
  static const auto* const providers = new std::vector<Provider>{
      // never freed: it must outlive every user
      {.name = "vault",
       .text = true,
       .settings = {{"engine", true}, {"path", true}, {"field", true}}},
      {.name = "azure_key_vault", .settings = {{"name", true}, {"version"}}},
      {.name = "gcp_secret_manager",
       .needs_token = true,
       .settings = {{"name", true}, {"version"}}},
      {.name = "aws_secrets_manager",
       .text = true,
       .settings = {{"secret_id", true},
                    {"version_id"},
                    {"version_stage"},
                    {"region"},
                    {"role_arn"},
                    {"role_session_name"},
                    {"field"}}},
      {.name = "gitlab_secrets_manager", .settings = {{"name", true}, {"source"}}},
  };
  return *providers;
}

// The keys of a map of settings: no others, none missing. The values are the provider's matter,
// but one may itself be such a map: `vault:engine`.
void CheckSettings(ParseContext& context, const config::Value& map, const std::string& keyword,
                   const std::vector<Setting>& settings) {
  for (const config::Entry& key : map.entries) {
    const bool known = std::any_of(settings.begin(), settings.end(),
                                   [&](const Setting& one) { return one.name == key.key; });
    const std::string name = absl::StrCat(keyword, ":", key.key);
    if (!known) {
      context.Error(key.key_place,
                    absl::StrCat("unknown keyword '", key.key, "' in '", keyword, "'"));
    } else if (key.key == "engine" && key.value->IsMap()) {
      CheckSettings(context, *key.value, name, {{"name", true}, {"path", true}});
    } else if (!key.value->IsNull() && (key.key == "engine" || !key.value->IsScalar())) {
      context.WrongType(*key.value, name,
                        key.key == "engine" ? "a map with 'name' and 'path'" : "text");
    }
  }
  for (const Setting& setting : settings) {
    const config::Entry* found = map.Find(setting.name);
    if (!setting.required) continue;
    if (found == nullptr || found->value->IsNull() ||
        (found->value->IsScalar() && found->value->text.empty())) {
      context.Error(map.place, absl::StrCat("'", keyword, "' needs the key '", setting.name, "'"));
    }
  }
}

void ReadProvider(ParseContext& context, const Provider& provider, const config::Value& value,
                  SecretSource& secret) {
  const std::string keyword = absl::StrCat("secrets:", provider.name);
  secret.provider = std::string(provider.name);
  if (value.IsMap()) {
    CheckSettings(context, value, keyword, provider.settings);
  } else if (!provider.text || !value.IsScalar()) {
    context.WrongType(value, keyword, provider.text ? "a text or a map" : "a map");
  } else {
    context.PlainText(value, keyword);
  }
  secret.settings = context.AsWritten(value, keyword).value_or(Written());
}

void ReadSecret(ParseContext& context, const config::Entry& entry,
                std::vector<SecretSource>& secrets) {
  const config::Value& map = *entry.value;
  const std::string about = absl::StrCat("secret '", entry.key, "'");
  if (!map.IsMap()) {
    return context.Error(map.place, absl::StrCat(about, " takes a map such as {vault: ",
                                                 "a/b/password}, but this is ", map.KindName()));
  }
  context.CheckKeys(map, Section::kSecret);
  SecretSource secret;
  secret.name = entry.key;
  int providers = 0;
  for (const Provider& provider : Providers()) {
    const config::Entry* found = map.Find(provider.name);
    if (found == nullptr || found->value->IsNull()) continue;
    ++providers;
    ReadProvider(context, provider, *found->value, secret);
    const config::Entry* token = map.Find("token");
    if (provider.needs_token && (token == nullptr || token->value->IsNull())) {
      context.Error(found->key_place, absl::StrCat(about, " needs a 'token' for '", provider.name,
                                                   "', such as 'token: $ID_TOKEN'"));
    }
  }
  if (providers != 1) {
    context.Error(entry.key_place,
                  absl::StrCat(about,
                               providers == 0 ? " has no place from which it comes"
                                              : " has several places from which it comes",
                               "; give it one, such as 'vault'"));
  }
  if (const config::Entry* file = map.Find("file"); file != nullptr && !file->value->IsNull()) {
    secret.file = context.Bool(*file->value, "secrets:file").value_or(true);
  }
  if (const config::Entry* token = map.Find("token"); token != nullptr && !token->value->IsNull()) {
    secret.token = context.PlainText(*token->value, "secrets:token").value_or("");
  }
  secrets.push_back(std::move(secret));
}

}  // namespace

void ParseSecrets(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  if (!entry.value->IsMap()) {
    return context.WrongType(*entry.value, "secrets", "a map from variables to their sources");
  }
  std::vector<SecretSource> secrets;
  for (const config::Entry& secret : entry.value->entries) ReadSecret(context, secret, secrets);
  context.job->secrets = std::move(secrets);
}

void ParseIdTokens(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  if (!entry.value->IsMap()) {
    return context.WrongType(*entry.value, "id_tokens", "a map from variables to {aud: …}");
  }
  std::vector<IdToken> tokens;
  for (const config::Entry& token : entry.value->entries) {
    const config::Value& map = *token.value;
    if (map.IsMap() && !context.CheckKeys(map, Section::kIdToken)) continue;
    const config::Entry* audience = map.IsMap() ? map.Find("aud") : nullptr;
    if (audience == nullptr || audience->value->IsNull()) {
      context.Error(token.key_place, absl::StrCat("token '", token.key, "' needs an 'aud', such ",
                                                  "as 'aud: https://example.com'"));
      continue;
    }
    std::optional<std::vector<std::string>> audiences =
        context.PlainTexts(*audience->value, "id_tokens:aud");
    if (audiences.has_value()) tokens.push_back({token.key, *std::move(audiences)});
  }
  context.job->id_tokens = std::move(tokens);
}

void ParseIdentity(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->identity = context.Word(*entry.value, "identity", {"google_cloud"});
}

}  // namespace grange::pipeline
