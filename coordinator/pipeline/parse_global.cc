#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/stage_list.h"

namespace grange::pipeline {

void ParseStages(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  std::vector<const config::Value*> values;
  if (!entry.value->IsList()) return context.WrongType(*entry.value, "stages", "a list of names");
  if (!context.Flatten(*entry.value, "stages", values)) return;
  std::vector<Named> stages;
  for (const config::Value* value : values) {
    if (!value->IsText() || value->text.empty()) {
      context.Error(value->place, absl::StrCat("'stages' takes a list of names, but this entry is ",
                                               value->IsText() ? "empty" : value->KindName()));
    } else if (CharacterCount(value->text) > kStageNameMax) {
      context.Error(value->place,
                    absl::StrCat("the name of a stage has at most ", kStageNameMax, " characters"));
      stages.push_back({value->text, value->place});  // so that its jobs are not errors too
    } else {
      stages.push_back({value->text, value->place});
    }
  }
  if (values.empty()) context.Error(entry.value->place, "'stages' is empty; it needs a name");
  context.file.stages = std::move(stages);
}

void ParseDefault(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  if (!entry.value->IsMap()) return context.WrongType(*entry.value, "default", "a map");
  for (const config::Entry& key : entry.value->entries) {
    context.owner_keyword = key.key;
    const Keyword* keyword = context.CheckKey(key, Section::kDefault);
    if (keyword == nullptr) continue;
    context.file.defaults.origins.push_back({key.key, key.key_place, true});
    keyword->parse(context, key);
  }
}

void ParseWorkflow(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  if (!entry.value->IsMap()) return context.WrongType(*entry.value, "workflow", "a map");
  for (const config::Entry& key : entry.value->entries) {
    const Keyword* keyword = context.CheckKey(key, Section::kWorkflow);
    if (keyword != nullptr) keyword->parse(context, key);
  }
}

std::optional<AutoCancel> ReadAutoCancel(ParseContext& context, const config::Entry& entry,
                                         absl::string_view owner) {
  const std::string keyword = absl::StrCat(owner, ":auto_cancel");
  const config::Value& map = *entry.value;
  if (map.IsNull()) return std::nullopt;
  if (!map.IsMap()) {
    context.WrongType(map, keyword, "a map with 'on_new_commit' or 'on_job_failure'");
    return std::nullopt;
  }
  if (!context.CheckKeys(map, Section::kAutoCancel, keyword)) return std::nullopt;
  AutoCancel auto_cancel;
  for (const config::Entry& key : map.entries) {
    const std::string name = absl::StrCat(keyword, ":", key.key);
    if (key.value->IsNull()) continue;
    if (key.key == "on_new_commit") {
      auto_cancel.on_new_commit =
          context.Word(*key.value, name, {"conservative", "interruptible", "none"})
              .value_or(auto_cancel.on_new_commit);
    } else {
      auto_cancel.on_job_failure =
          context.Word(*key.value, name, {"all", "none"}).value_or(auto_cancel.on_job_failure);
    }
  }
  return auto_cancel;
}

void ParseAutoCancel(ParseContext& context, const config::Entry& entry) {
  context.file.auto_cancel = ReadAutoCancel(context, entry, "workflow");
}

void ParseWorkflowName(ParseContext& context, const config::Entry& entry) {
  context.file.workflow_name = context.Text(*entry.value, "workflow:name").value_or("");
}

}  // namespace grange::pipeline
