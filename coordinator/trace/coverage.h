#ifndef GRANGE_COORDINATOR_TRACE_COVERAGE_H_
#define GRANGE_COORDINATOR_TRACE_COVERAGE_H_

#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grange::trace {

// The regex that finds a job's coverage in its trace, with or without /…/ around it.
//
// Lines are tried from the last to the first, each with its line feed (so `\s+$` and `%$` both
// match), colour codes removed. Of the last match in a line the last group, else the whole match;
// the first number in it is the coverage. A line without a number is passed over. Pure; RE2 in
// multi-line mode. Differences from GitLab stand in docs/gitlab-compat.md.
class CoveragePattern {
 public:
  // kInvalidArgument with RE2's reason and the offending part.
  static absl::StatusOr<CoveragePattern> Compile(absl::string_view regex);
  CoveragePattern(CoveragePattern&&) noexcept;
  CoveragePattern& operator=(CoveragePattern&&) noexcept;
  ~CoveragePattern();

  // None if nothing matches: not 0.
  std::optional<double> Find(absl::string_view trace) const;
  // The coverage in one line (with its line feed, if it has one).
  std::optional<double> FindInLine(absl::string_view line) const;

 private:
  struct Impl;
  explicit CoveragePattern(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_COVERAGE_H_
