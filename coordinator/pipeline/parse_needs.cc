#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

bool IsSet(const config::Value& map, absl::string_view name) {
  const config::Entry* entry = map.Find(name);
  return entry != nullptr && !entry->value->IsNull();
}

bool IsExternal(const config::Value& value) {
  return value.IsMap() && (value.Find("pipeline") != nullptr || value.Find("project") != nullptr);
}

std::optional<NeedDraft> ReadNeed(ParseContext& context, const config::Value& value,
                                  const std::string& keyword) {
  NeedDraft draft;
  draft.place = value.place;
  if (value.IsText() && !value.text.empty()) {
    draft.need.job = value.text;
    return draft;
  }
  if (!value.IsMap()) {
    const bool empty = value.IsNull() || (value.IsScalar() && value.text.empty());
    context.Error(value.place,
                  absl::StrCat("'", keyword, "' takes names of jobs or maps such as {job: build}, ",
                               "but this entry is ", empty ? "empty" : value.KindName()));
    return std::nullopt;
  }
  if (!context.CheckKeys(value, Section::kNeed, keyword)) return std::nullopt;
  const config::Entry* job = value.Find("job");
  if (job == nullptr || !job->value->IsText() || job->value->text.empty()) {
    context.Error(value.place, absl::StrCat("an entry of '", keyword, "' has no 'job'; name the ",
                                            "job that is needed"));
    return std::nullopt;
  }
  draft.need.job = job->value->text;
  draft.place = job->value->place;
  if (IsSet(value, "ref")) {
    context.Error(value.Find("ref")->key_place,
                  absl::StrCat("'", keyword, ":ref' is the ref of a 'project'; add one"));
  }
  if (IsSet(value, "artifacts")) {
    draft.need.artifacts =
        context.Bool(*value.Find("artifacts")->value, keyword + ":artifacts").value_or(true);
  }
  if (IsSet(value, "optional")) {
    draft.need.optional =
        context.Bool(*value.Find("optional")->value, keyword + ":optional").value_or(false);
  }
  if (IsSet(value, "parallel")) {
    const config::Value& parallel = *value.Find("parallel")->value;
    const config::Entry* matrix = parallel.IsMap() ? parallel.Find("matrix") : nullptr;
    if (matrix == nullptr) {
      context.WrongType(parallel, keyword + ":parallel", "a map with 'matrix'");
      return std::nullopt;
    }
    if (!context.CheckKeys(parallel, Section::kParallel)) return std::nullopt;
    draft.matrix = ReadMatrix(context, *matrix->value, keyword + ":parallel:matrix");
    if (draft.matrix.empty()) return std::nullopt;
  }
  return draft;
}

// A job of another pipeline, or (with `pipeline` alone) the status of that pipeline.
std::optional<ExternalNeedDraft> ReadExternalNeed(ParseContext& context, const config::Value& map) {
  if (!context.CheckKeys(map, Section::kNeed)) return std::nullopt;
  ExternalNeedDraft draft;
  draft.place = map.place;
  for (const config::Entry& key : map.entries) {
    const std::string keyword = absl::StrCat("needs:", key.key);
    const config::Value& value = *key.value;
    if (value.IsNull()) continue;
    if (key.key == "artifacts") {
      draft.need.artifacts = context.Bool(value, keyword).value_or(true);
    } else if (key.key == "optional") {
      draft.need.optional = context.Bool(value, keyword).value_or(false);
    } else if (key.key == "parallel") {
      context.Error(key.key_place, "'needs:parallel' is for jobs of this pipeline only");
    } else {
      std::string& target = key.key == "pipeline"  ? draft.need.pipeline
                            : key.key == "project" ? draft.need.project
                            : key.key == "ref"     ? draft.need.ref
                                                   : draft.need.job;
      target = context.PlainText(value, keyword).value_or("");
    }
  }
  if (IsSet(map, "pipeline") && (IsSet(map, "project") || IsSet(map, "ref"))) {
    context.Error(map.place, "an entry of 'needs' has either 'pipeline' or 'project' with 'ref'");
  } else if (IsSet(map, "project")) {
    CheckProjectPath(context, *map.Find("project")->value, "needs:project");
    for (const absl::string_view name : {"job", "ref"}) {
      if (IsSet(map, name)) continue;
      context.Error(map.place,
                    absl::StrCat("an entry of 'needs' with 'project' needs '", name, "' too"));
    }
  } else if (!IsSet(map, "pipeline")) {
    context.Error(map.place, "an entry of 'needs' has no 'job'; name the job that is needed");
  }
  return draft;
}

// The job and, if only some of its instances are meant, those.
std::string KeyOf(const NeedDraft& need) {
  std::string key = need.need.job;
  for (const MatrixRow& row : need.matrix) {
    for (const Variable& variable : row) {
      absl::StrAppend(&key, "\n", variable.name, "=", variable.value);
    }
  }
  return key;
}

// Adds the need unless it is there.
void Add(ParseContext& context, NeedDraft need, const std::string& keyword,
         absl::flat_hash_set<std::string>& names, std::vector<NeedDraft>& needs) {
  if (names.insert(KeyOf(need)).second) {
    needs.push_back(std::move(need));
  } else {
    context.Warning(need.place, absl::StrCat("'", keyword, "' has '", need.need.job,
                                             "' twice; the second has no effect"));
  }
}

// The entries of a list of needs; nullopt, reported, if it can't be used.
std::optional<std::vector<const config::Value*>> ReadList(ParseContext& context,
                                                          const config::Entry& entry,
                                                          const std::string& keyword) {
  std::vector<const config::Value*> values;
  if (!entry.value->IsList()) {
    context.WrongType(*entry.value, keyword, "a list of jobs");
    return std::nullopt;
  }
  if (!context.Flatten(*entry.value, keyword, values)) return std::nullopt;
  if (values.size() <= kNeedsMax) return values;
  context.Error(entry.key_place, absl::StrCat("'", keyword, "' has ", values.size(),
                                              " entries; the limit is ", kNeedsMax));
  return std::nullopt;
}

// Too many of one kind, or a status to mirror beside other needs.
void CheckExternalNeeds(ParseContext& context, const config::Entry& entry, size_t entries) {
  JobDraft& job = *context.job;
  size_t projects = 0;
  for (const ExternalNeedDraft& draft : job.external_needs) {
    if (!draft.need.project.empty()) {
      ++projects;
    } else if (draft.need.job.empty()) {
      job.mirrors_pipeline = true;
    }
  }
  const size_t pipelines = job.external_needs.size() - projects;
  for (const auto& [count, name] :
       {std::pair(projects, "project"), std::pair(pipelines, "pipeline")}) {
    if (count <= kExternalNeedsMax) continue;
    context.Error(entry.key_place, absl::StrCat("'needs' has ", count, " entries with '", name,
                                                "'; the limit is ", kExternalNeedsMax));
  }
  if (job.mirrors_pipeline && entries > 1) {
    context.Error(entry.key_place,
                  "'needs:pipeline' without 'job' mirrors the status of that pipeline; it must be "
                  "the only entry of 'needs'");
  }
}

}  // namespace

void ParseNeeds(ParseContext& context, const config::Entry& entry) {
  JobDraft& job = *context.job;
  job.needs_place = entry.key_place;
  std::vector<const config::Value*> values = {entry.value};
  // The short form of the list with this one entry.
  if (!IsExternal(*entry.value)) {
    std::optional<std::vector<const config::Value*>> list = ReadList(context, entry, "needs");
    if (!list.has_value()) return;
    values = *std::move(list);
  }
  std::vector<NeedDraft> needs;
  absl::flat_hash_set<std::string> names;
  for (const config::Value* value : values) {
    if (IsExternal(*value)) {
      std::optional<ExternalNeedDraft> need = ReadExternalNeed(context, *value);
      if (need.has_value()) job.external_needs.push_back(*std::move(need));
      continue;
    }
    std::optional<NeedDraft> need = ReadNeed(context, *value, "needs");
    if (need.has_value()) Add(context, *std::move(need), "needs", names, needs);
  }
  CheckExternalNeeds(context, entry, values.size());
  // A job that mirrors a pipeline keeps the order of the stages.
  if (!job.mirrors_pipeline) job.needs = std::move(needs);
}

std::optional<std::vector<NeedDraft>> ReadRuleNeeds(ParseContext& context,
                                                    const config::Entry& entry) {
  const std::string keyword = "rules:needs";
  const std::optional<std::vector<const config::Value*>> values = ReadList(context, entry, keyword);
  if (!values.has_value()) return std::nullopt;
  std::vector<NeedDraft> needs;
  absl::flat_hash_set<std::string> names;
  for (const config::Value* value : *values) {
    bool plain = true;
    for (const config::Entry& key : value->entries) {
      if (key.key != "pipeline" && key.key != "project" && key.key != "ref" &&
          key.key != "parallel") {
        continue;
      }
      plain = false;
      context.Error(key.key_place, absl::StrCat("'", keyword, "' takes 'job', 'artifacts' and ",
                                                "'optional' only, not '", key.key, "'"));
    }
    if (!plain) continue;
    std::optional<NeedDraft> need = ReadNeed(context, *value, keyword);
    if (need.has_value()) Add(context, *std::move(need), keyword, names, needs);
  }
  return needs;
}

void ParseDependencies(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->dependencies = context.Names(*entry.value, "dependencies");
}

}  // namespace grange::pipeline
