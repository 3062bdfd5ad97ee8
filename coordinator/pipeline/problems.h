#ifndef GRANGE_COORDINATOR_PIPELINE_PROBLEMS_H_
#define GRANGE_COORDINATOR_PIPELINE_PROBLEMS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coordinator/config/diagnostic.h"
#include "coordinator/config/value.h"

namespace grange::pipeline {

// Collects what is wrong with a configuration: all of it, up to config::kDiagnosticsMax errors and
// as many warnings.
class Problems {
 public:
  void AddAll(std::vector<config::Diagnostic> found);

  void Error(const config::Place& place, std::string message);
  void Warning(const config::Place& place, std::string message);

  bool has_errors() const { return errors_ > 0; }

  // "; did you mean 'build'?", or "". Only the first kSuggestionsMax are looked for, as that takes
  // time in proportion to the candidates.
  std::string DidYouMean(absl::string_view name, const std::vector<std::string>& candidates);
  // True if DidYouMean() would still look: spares making the candidates.
  bool WantsSuggestion() const;

  // Sorted by place, equal ones once. The last one says how many were left out, if any.
  std::vector<config::Diagnostic> Take() &&;

 private:
  void Add(config::Diagnostic diagnostic);

  std::vector<config::Diagnostic> diagnostics_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
  size_t suggestions_ = 0;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_PROBLEMS_H_
