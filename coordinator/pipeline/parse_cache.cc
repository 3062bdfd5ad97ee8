#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

// A key is a part of a path: nothing in it, or in its URL encoding, may lead elsewhere.
bool CheckKey(ParseContext& context, const config::Place& place, const std::string& key,
              absl::string_view keyword) {
  const std::string plain =
      absl::StrReplaceAll(absl::AsciiStrToLower(key), {{"%2f", "/"}, {"%2e", "."}});
  if (absl::StrContains(plain, '/')) {
    context.Error(place,
                  absl::StrCat("'", keyword, "': '", key, "' has a '/'; take '-' instead of it"));
    return false;
  }
  if (std::all_of(plain.begin(), plain.end(), [](char c) { return c == '.'; })) {
    context.Error(
        place, absl::StrCat("'", keyword, "': '", key, "' has nothing but dots; give it a name"));
    return false;
  }
  return true;
}

std::vector<std::string> ReadKeyFiles(ParseContext& context, const config::Value& value,
                                      const std::string& keyword) {
  const std::optional<std::vector<std::string>> files = context.Texts(value, keyword);
  if (!files.has_value()) return {};
  if (files->empty() || files->size() > kCacheKeyFilesMax) {
    context.Error(value.place, absl::StrCat("'", keyword, "' takes 1 or ", kCacheKeyFilesMax,
                                            " paths, not ", files->size()));
  }
  for (const std::string& file : *files) {
    if (!absl::StrContains(file, '$')) continue;
    context.Error(value.place, absl::StrCat("'", keyword, "': '", file, "' has a variable, which ",
                                            "is not replaced here; put it in 'prefix'"));
  }
  return *files;
}

void ReadKeyMap(ParseContext& context, const config::Value& map, Cache& cache) {
  if (!context.CheckKeys(map, Section::kCacheKey)) return;
  bool files = false;
  bool commits = false;
  for (const config::Entry& key : map.entries) {
    if (key.value->IsNull()) continue;
    if (key.key == "files") {
      files = true;
      cache.files = ReadKeyFiles(context, *key.value, "cache:key:files");
    } else if (key.key == "files_commits") {
      commits = true;
      cache.files_commits = ReadKeyFiles(context, *key.value, "cache:key:files_commits");
    } else if (key.key == "prefix") {
      cache.prefix = context.PlainText(*key.value, "cache:key:prefix").value_or("");
      if (!cache.prefix.empty()) {
        CheckKey(context, key.value->place, cache.prefix, "cache:key:prefix");
      }
    }
  }
  if (files == commits) {
    context.Error(map.place, "'cache:key' needs either 'files' or 'files_commits'");
  }
}

void ReadKey(ParseContext& context, const config::Value& value, Cache& cache) {
  if (value.IsMap()) return ReadKeyMap(context, value, cache);
  if (value.IsList()) {
    return context.WrongType(value, "cache:key", "a text or a map with 'files'");
  }
  const std::optional<std::string> key = context.PlainText(value, "cache:key");
  if (key.has_value() && CheckKey(context, value.place, *key, "cache:key")) cache.key = *key;
}

void ReadFallbackKeys(ParseContext& context, const config::Value& value, Cache& cache) {
  const std::optional<std::vector<Named>> keys = context.Names(value, "cache:fallback_keys");
  if (!keys.has_value()) return;
  if (keys->size() > kFallbackKeysMax) {
    context.Error(value.place, absl::StrCat("'cache:fallback_keys' has ", keys->size(),
                                            " entries; the limit is ", kFallbackKeysMax));
  }
  for (const Named& key : *keys) {
    CheckKey(context, key.place, key.name, "cache:fallback_keys");
    cache.fallback_keys.push_back(key.name);
  }
}

void ReadPolicy(ParseContext& context, const config::Value& value, Cache& cache) {
  const bool variable = value.IsText() && absl::StrContains(value.text, '$');
  const std::optional<std::string> policy =
      variable ? value.text : context.Word(value, "cache:policy", {"pull-push", "pull", "push"});
  if (policy.has_value()) cache.policy = *policy;
}

void ReadWhen(ParseContext& context, const config::Value& value, Cache& cache) {
  const std::optional<std::string> when =
      context.Word(value, "cache:when", {"on_success", "on_failure", "always"});
  if (when == "on_failure") cache.when = Cache::When::kOnFailure;
  if (when == "always") cache.when = Cache::When::kAlways;
}

Cache ReadCache(ParseContext& context, const config::Value& map) {
  Cache cache;
  if (!map.IsMap()) {
    context.WrongType(map, "cache", "a map with 'paths', or a list of such maps");
    return cache;
  }
  context.CheckKeys(map, Section::kCache);
  for (const config::Entry& key : map.entries) {
    const config::Value& value = *key.value;
    if (value.IsNull()) continue;
    if (key.key == "key") {
      ReadKey(context, value, cache);
    } else if (key.key == "paths") {
      cache.paths = context.Texts(value, "cache:paths").value_or(std::vector<std::string>());
    } else if (key.key == "untracked") {
      cache.untracked = context.Bool(value, "cache:untracked").value_or(false);
    } else if (key.key == "unprotect") {
      cache.unprotect = context.Bool(value, "cache:unprotect").value_or(false);
    } else if (key.key == "policy") {
      ReadPolicy(context, value, cache);
    } else if (key.key == "when") {
      ReadWhen(context, value, cache);
    } else if (key.key == "fallback_keys") {
      ReadFallbackKeys(context, value, cache);
    }
  }
  return cache;
}

}  // namespace

// `[]` and `{}` are no cache at all: they switch that of `default` off.
void ParseCache(ParseContext& context, const config::Entry& entry) {
  const config::Value& value = *entry.value;
  if (value.IsNull()) return;
  std::vector<const config::Value*> values = {&value};
  if (value.IsMap() && value.entries.empty()) values.clear();
  if (value.IsList()) {
    values.clear();
    if (!context.Flatten(value, "cache", values)) return;
  }
  if (values.size() > kCachesMax) {
    return context.Error(entry.key_place, absl::StrCat("'cache' has ", values.size(),
                                                       " entries; the limit is ", kCachesMax));
  }
  std::vector<Cache> caches;
  for (const config::Value* map : values) caches.push_back(ReadCache(context, *map));
  context.job->caches = std::move(caches);
}

}  // namespace grange::pipeline
