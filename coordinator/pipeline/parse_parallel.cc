#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

// The values of one variable of a matrix; none, reported, if it can't be used.
std::vector<std::string> ReadCell(ParseContext& context, const config::Entry& entry,
                                  absl::string_view keyword) {
  std::vector<const config::Value*> values = {entry.value};
  if (entry.value->IsList()) values = entry.value->items;
  std::vector<std::string> texts;
  for (const config::Value* value : values) {
    if (!value->IsScalar()) {
      context.WrongType(*value, absl::StrCat(keyword, ":", entry.key),
                        "a value or a list of values");
      return {};
    }
    texts.push_back(value->text);
  }
  if (texts.empty()) {
    context.Error(entry.value->place,
                  absl::StrCat("'", keyword, ":", entry.key, "' is empty; it needs a value"));
  }
  return texts;
}

// All combinations of one entry: the last variable varies fastest. False if it was reported.
bool AddRows(ParseContext& context, const config::Value& entry, absl::string_view keyword,
             std::vector<MatrixRow>& rows) {
  if (!entry.IsMap() || entry.entries.empty()) {
    context.WrongType(entry, keyword, "a list of maps from names to values");
    return false;
  }
  std::vector<MatrixRow> own = {{}};
  for (const config::Entry& variable : entry.entries) {
    const std::vector<std::string> values = ReadCell(context, variable, keyword);
    if (values.empty()) return false;
    if (own.size() * values.size() + rows.size() > static_cast<size_t>(kParallelMax)) {
      context.Error(variable.key_place, absl::StrCat("'", keyword, "' makes more than ",
                                                     kParallelMax, " instances; make it smaller"));
      return false;
    }
    std::vector<MatrixRow> longer;
    for (const MatrixRow& row : own) {
      for (const std::string& value : values) {
        longer.push_back(row);
        longer.back().push_back({.name = variable.key, .value = value});
      }
    }
    own = std::move(longer);
  }
  rows.insert(rows.end(), own.begin(), own.end());
  return true;
}

}  // namespace

std::vector<MatrixRow> ReadMatrix(ParseContext& context, const config::Value& value,
                                  absl::string_view keyword) {
  std::vector<const config::Value*> entries;
  if (!value.IsList()) {
    context.WrongType(value, keyword, "a list of maps from names to values");
    return {};
  }
  if (!context.Flatten(value, keyword, entries)) return {};
  if (entries.empty()) {
    context.Error(value.place, absl::StrCat("'", keyword, "' is empty; it needs a map such as ",
                                            "{VERSION: [1, 2]}"));
  }
  std::vector<MatrixRow> rows;
  for (const config::Value* entry : entries) {
    if (!AddRows(context, *entry, keyword, rows)) return {};
  }
  return rows;
}

void ParseParallel(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  Parallel parallel;
  parallel.place = entry.key_place;
  if (entry.value->IsMap()) {
    if (!context.CheckKeys(*entry.value, Section::kParallel)) return;
    const config::Entry* matrix = entry.value->Find("matrix");
    if (matrix == nullptr) {
      return context.Error(entry.value->place, "'parallel' takes a number or a map with 'matrix'");
    }
    parallel.matrix = ReadMatrix(context, *matrix->value, "parallel:matrix");
    parallel.count = static_cast<int>(parallel.matrix.size());
  } else {
    const std::optional<int> count = context.Integer(*entry.value, "parallel");
    if (!count.has_value()) return;
    if (*count < 1 || *count > kParallelMax) {
      return context.Error(entry.value->place,
                           absl::StrCat("'parallel' takes 1 to ", kParallelMax, ", not ", *count));
    }
    parallel.count = *count;
  }
  if (parallel.count > 0) context.job->parallel = std::move(parallel);
}

}  // namespace grange::pipeline
