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

std::optional<NeedDraft> ReadNeed(ParseContext& context, const config::Value& value) {
  NeedDraft draft;
  draft.place = value.place;
  if (value.IsScalar() && !value.text.empty()) {
    draft.need.job = value.text;
    return draft;
  }
  if (!value.IsMap()) {
    context.Error(
        value.place,
        absl::StrCat("'needs' takes names of jobs or maps such as {job: build}, but this ",
                     "entry is ", value.IsScalar() ? "empty" : value.KindName()));
    return std::nullopt;
  }
  if (!context.CheckKeys(value, Section::kNeed)) return std::nullopt;
  const config::Entry* job = value.Find("job");
  if (job == nullptr || !job->value->IsScalar() || job->value->text.empty()) {
    context.Error(value.place, "an entry of 'needs' has no 'job'; name the job that is needed");
    return std::nullopt;
  }
  draft.need.job = job->value->text;
  draft.place = job->value->place;
  if (const config::Entry* artifacts = value.Find("artifacts"); artifacts != nullptr) {
    draft.need.artifacts = context.Bool(*artifacts->value, "needs:artifacts").value_or(true);
  }
  if (const config::Entry* optional = value.Find("optional"); optional != nullptr) {
    draft.need.optional = context.Bool(*optional->value, "needs:optional").value_or(false);
  }
  if (const config::Entry* parallel = value.Find("parallel"); parallel != nullptr) {
    const config::Entry* matrix =
        parallel->value->IsMap() ? parallel->value->Find("matrix") : nullptr;
    if (matrix == nullptr) {
      context.WrongType(*parallel->value, "needs:parallel", "a map with 'matrix'");
      return std::nullopt;
    }
    if (!context.CheckKeys(*parallel->value, Section::kParallel)) return std::nullopt;
    draft.matrix = ReadMatrix(context, *matrix->value, "needs:parallel:matrix");
    if (draft.matrix.empty()) return std::nullopt;
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

}  // namespace

void ParseNeeds(ParseContext& context, const config::Entry& entry) {
  context.job->needs_place = entry.key_place;
  std::vector<const config::Value*> values;
  if (!entry.value->IsList()) return context.WrongType(*entry.value, "needs", "a list of jobs");
  if (!context.Flatten(*entry.value, "needs", values)) return;
  if (values.size() > kNeedsMax) {
    return context.Error(entry.key_place, absl::StrCat("'needs' has ", values.size(),
                                                       " entries; the limit is ", kNeedsMax));
  }
  std::vector<NeedDraft> needs;
  absl::flat_hash_set<std::string> names;
  for (const config::Value* value : values) {
    std::optional<NeedDraft> need = ReadNeed(context, *value);
    if (!need.has_value()) continue;
    if (names.insert(KeyOf(*need)).second) {
      needs.push_back(*std::move(need));
    } else {
      context.Warning(value->place, absl::StrCat("'needs' has '", need->need.job,
                                                 "' twice; the second has no effect"));
    }
  }
  context.job->needs = std::move(needs);
}

void ParseDependencies(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->dependencies = context.Names(*entry.value, "dependencies");
}

}  // namespace grange::pipeline
