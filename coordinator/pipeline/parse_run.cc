#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

std::vector<Variable> ReadEnv(ParseContext& context, const config::Value& map) {
  std::vector<Variable> env;
  if (!map.IsMap()) {
    context.WrongType(map, "run:env", "a map from names to values");
    return env;
  }
  for (const config::Entry& entry : map.entries) {
    if (entry.value->IsScalar()) {
      env.push_back({.name = entry.key, .value = entry.value->text});
    } else {
      context.WrongType(*entry.value, absl::StrCat("run:env:", entry.key), "text");
    }
  }
  return env;
}

std::optional<RunStep> ReadStep(ParseContext& context, const config::Value& map) {
  if (!map.IsMap()) {
    context.WrongType(map, "run", "a list of steps, maps with 'name' and 'script'");
    return std::nullopt;
  }
  if (!context.CheckKeys(map, Section::kRunStep)) return std::nullopt;
  RunStep step;
  for (const config::Entry& key : map.entries) {
    if (key.value->IsNull()) continue;
    if (key.key == "name") step.name = context.PlainText(*key.value, "run:name").value_or("");
    if (key.key == "script") step.script = context.PlainText(*key.value, "run:script").value_or("");
    if (key.key == "env") step.env = ReadEnv(context, *key.value);
  }
  for (const absl::string_view name : {"name", "script"}) {
    const config::Entry* found = map.Find(name);
    if (found == nullptr || found->value->IsNull()) {
      context.Error(map.place, absl::StrCat("a step of 'run' needs a '", name, "'"));
    }
  }
  return step;
}

}  // namespace

void ParseRun(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  std::vector<const config::Value*> values;
  if (!entry.value->IsList()) {
    return context.WrongType(*entry.value, "run", "a list of steps with 'name' and 'script'");
  }
  if (!context.Flatten(*entry.value, "run", values)) return;
  if (values.empty()) {
    return context.Error(entry.value->place, "'run' is empty; it needs a step");
  }
  std::vector<RunStep> steps;
  for (const config::Value* value : values) {
    std::optional<RunStep> step = ReadStep(context, *value);
    if (step.has_value()) steps.push_back(*std::move(step));
  }
  context.job->run = std::move(steps);
}

}  // namespace grange::pipeline
