#include "coordinator/pipeline/matrix_expressions.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace grange::pipeline {
namespace {

constexpr absl::string_view kOpen = "$[[";
constexpr absl::string_view kClose = "]]";

// The value that the inside of one expression stands for.
absl::StatusOr<std::string> ValueOf(absl::string_view inside, const MatrixRow* row) {
  absl::string_view name = absl::StripAsciiWhitespace(inside);
  const std::string written = absl::StrCat(kOpen, " ", name, " ", kClose);
  if (!absl::ConsumePrefix(&name, "matrix.")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", written, "' is not known here; write $[[ matrix.NAME ]]"));
  }
  if (row == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", written, "' is for jobs that have 'parallel:matrix'; write the value"));
  }
  const auto found =
      std::find_if(row->begin(), row->end(), [&](const Variable& one) { return one.name == name; });
  if (found != row->end()) return found->value;
  const std::string keys = absl::StrJoin(*row, ", ", [](std::string* out, const Variable& one) {
    absl::StrAppend(out, "'", one.name, "'");
  });
  return absl::InvalidArgumentError(
      absl::StrCat("'", written, "': the job's own matrix has only ", keys, " here"));
}

absl::StatusOr<std::string> Resolve(absl::string_view text, const MatrixRow* row) {
  std::string result;
  while (true) {
    const size_t open = text.find(kOpen);
    const size_t close = open == absl::string_view::npos ? open : text.find(kClose, open);
    if (close == absl::string_view::npos) break;
    const size_t start = open + kOpen.size();
    GRANGE_ASSIGN_OR_RETURN(const std::string value,
                            ValueOf(text.substr(start, close - start), row));
    absl::StrAppend(&result, text.substr(0, open), value);
    text = text.substr(close + kClose.size());
  }
  return absl::StrCat(result, text);
}

absl::Status ResolveNeed(const MatrixRow* row, NeedDraft& need) {
  for (MatrixRow& wanted : need.matrix) {
    for (Variable& variable : wanted) {
      if (!absl::StrContains(variable.value, kOpen)) continue;
      GRANGE_ASSIGN_OR_RETURN(variable.value, Resolve(variable.value, row));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void ResolveMatrixExpressions(const std::string& name, const MatrixRow* row,
                              std::vector<NeedDraft>& needs, Problems& problems) {
  // A need that can't be resolved goes: no further error should speak of it.
  std::erase_if(needs, [&](NeedDraft& need) {
    const absl::Status resolved = ResolveNeed(row, need);
    if (resolved.ok()) return false;
    problems.Error(need.place,
                   absl::StrCat("job '", name, "': 'needs:parallel:matrix': ", resolved.message()));
    return true;
  });
}

}  // namespace grange::pipeline
