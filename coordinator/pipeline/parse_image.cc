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

// The arguments of a command: some may be empty, as in `entrypoint: [""]`.
std::optional<std::vector<std::string>> ReadArguments(ParseContext& context,
                                                      const config::Value& value,
                                                      const std::string& keyword) {
  std::vector<const config::Value*> values;
  if (!value.IsList()) {
    context.WrongType(value, keyword, "a list such as [\"/bin/sh\", \"-c\"]");
    return std::nullopt;
  }
  if (!context.Flatten(value, keyword, values)) return std::nullopt;
  if (values.empty()) {
    context.Error(value.place,
                  absl::StrCat("'", keyword, "' is empty; write [\"\"] for none, or remove it"));
  }
  std::vector<std::string> arguments;
  for (const config::Value* item : values) {
    if (item->IsScalar()) {
      arguments.push_back(item->text);
    } else {
      context.WrongType(*item, keyword, "a list of texts");
    }
  }
  return arguments;
}

std::vector<std::string> ReadPullPolicy(ParseContext& context, const config::Value& value,
                                        const std::string& keyword) {
  const std::optional<std::vector<std::string>> policies = context.PlainTexts(value, keyword);
  if (!policies.has_value()) return {};
  for (const std::string& policy : *policies) {
    if (policy != "always" && policy != "if-not-present" && policy != "never") {
      context.Error(value.place, absl::StrCat("'", keyword, "' takes always, if-not-present or ",
                                              "never, not '", policy, "'"));
    }
  }
  return *policies;
}

// `docker` or `kubernetes`: a map with nothing but `allowed`, which is kept as written.
Written ReadExecutor(ParseContext& context, const config::Value& map, const std::string& keyword,
                     std::initializer_list<absl::string_view> allowed) {
  if (!map.IsMap()) {
    context.WrongType(map, keyword, "a map");
    return {};
  }
  for (const config::Entry& key : map.entries) {
    const std::string name = absl::StrCat(keyword, ":", key.key);
    if (std::find(allowed.begin(), allowed.end(), key.key) == allowed.end()) {
      context.Error(
          key.key_place,
          absl::StrCat("unknown keyword '", key.key, "' in '", keyword, "'",
                       context.problems.DidYouMean(key.key, {allowed.begin(), allowed.end()})));
    } else if (!key.value->IsScalar()) {
      context.WrongType(*key.value, name, "text");
    } else if (key.value->text.empty()) {
      context.Error(key.value->place, absl::StrCat("'", name, "' is empty; remove it"));
    }
  }
  return context.AsWritten(map, keyword).value_or(Written());
}

// A keyword that images and services share; false if it is another one.
bool ReadImageKey(ParseContext& context, const config::Entry& key, absl::string_view owner,
                  Image& image) {
  const std::string keyword = absl::StrCat(owner, ":", key.key);
  const config::Value& value = *key.value;
  if (key.key == "name") {
    image.name = context.PlainText(value, keyword).value_or("");
  } else if (key.key == "entrypoint") {
    image.entrypoint = ReadArguments(context, value, keyword);
  } else if (key.key == "pull_policy") {
    image.pull_policy = ReadPullPolicy(context, value, keyword);
  } else if (key.key == "docker") {
    image.docker = ReadExecutor(context, value, keyword, {"platform", "user"});
  } else if (key.key == "kubernetes") {
    image.kubernetes = ReadExecutor(context, value, keyword, {"user"});
  } else {
    return false;
  }
  return true;
}

void CheckHasName(ParseContext& context, const config::Value& map, absl::string_view keyword) {
  const config::Entry* name = map.Find("name");
  if (name != nullptr && !name->value->IsNull()) return;
  context.Error(map.place,
                absl::StrCat("'", keyword, "' needs a 'name', such as 'name: alpine:latest'"));
}

// New GitLab versions take a text as well as a list.
std::optional<std::vector<std::string>> ReadCommand(ParseContext& context,
                                                    const config::Value& value) {
  if (!value.IsText()) return ReadArguments(context, value, "services:command");
  std::optional<std::string> command = context.PlainText(value, "services:command");
  if (!command.has_value()) return std::nullopt;
  return std::vector<std::string>{*std::move(command)};
}

std::vector<Variable> ReadServiceVariables(ParseContext& context, const config::Value& map) {
  std::vector<Variable> variables = ReadVariables(context, map, Section::kJobVariable);
  for (const Variable& variable : variables) {
    if (variable.expand) continue;
    context.Error(map.place, absl::StrCat("variable '", variable.name, "' of a service can't have ",
                                          "'expand: false'; write $$ for a $"));
  }
  return variables;
}

Service ReadService(ParseContext& context, const config::Value& value) {
  Service service;
  if (value.IsScalar()) {
    service.image.name = context.PlainText(value, "services").value_or("");
    return service;
  }
  if (!value.IsMap()) {
    context.WrongType(value, "services", "names of images or maps with a 'name'");
    return service;
  }
  context.CheckKeys(value, Section::kService);
  CheckHasName(context, value, "services");
  for (const config::Entry& key : value.entries) {
    if (key.value->IsNull() || ReadImageKey(context, key, "services", service.image)) continue;
    if (key.key == "alias") {
      service.alias = context.PlainText(*key.value, "services:alias").value_or("");
    } else if (key.key == "command") {
      service.command = ReadCommand(context, *key.value);
    } else if (key.key == "variables") {
      service.variables = ReadServiceVariables(context, *key.value);
    }
  }
  return service;
}

}  // namespace

void ParseImage(ParseContext& context, const config::Entry& entry) {
  const config::Value& value = *entry.value;
  if (value.IsNull()) return;
  Image image;
  if (value.IsScalar()) {
    image.name = context.PlainText(value, "image").value_or("");
  } else if (value.IsMap()) {
    context.CheckKeys(value, Section::kImage);
    CheckHasName(context, value, "image");
    for (const config::Entry& key : value.entries) {
      if (!key.value->IsNull()) ReadImageKey(context, key, "image", image);
    }
  } else {
    return context.WrongType(value, "image", "the name of an image or a map with a 'name'");
  }
  context.job->image = std::move(image);
}

void ParseServices(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  std::vector<const config::Value*> values;
  if (!entry.value->IsList()) {
    return context.WrongType(*entry.value, "services", "a list of images");
  }
  if (!context.Flatten(*entry.value, "services", values)) return;
  std::vector<Service> services;
  for (const config::Value* value : values) services.push_back(ReadService(context, *value));
  context.job->services = std::move(services);
}

}  // namespace grange::pipeline
