#include "coordinator/pipeline/problems.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/limits.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {

using config::Diagnostic;

void Problems::AddAll(std::vector<Diagnostic> found) {
  for (Diagnostic& diagnostic : found) Add(std::move(diagnostic));
}

void Problems::Error(const config::Place& place, std::string message) {
  Add({place.Span(), Diagnostic::Severity::kError, std::move(message)});
}

void Problems::Warning(const config::Place& place, std::string message) {
  Add({place.Span(), Diagnostic::Severity::kWarning, std::move(message)});
}

void Problems::Add(Diagnostic diagnostic) {
  size_t& count = diagnostic.severity == Diagnostic::Severity::kError ? errors_ : warnings_;
  if (++count <= config::kDiagnosticsMax) diagnostics_.push_back(std::move(diagnostic));
}

bool Problems::WantsSuggestion() const { return suggestions_ < kSuggestionsMax; }

std::string Problems::DidYouMean(absl::string_view name,
                                 const std::vector<std::string>& candidates) {
  if (!WantsSuggestion()) return "";
  ++suggestions_;
  return text::DidYouMean(name, candidates);
}

std::vector<Diagnostic> Problems::Take() && {
  std::sort(diagnostics_.begin(), diagnostics_.end());
  diagnostics_.erase(std::unique(diagnostics_.begin(), diagnostics_.end()), diagnostics_.end());
  if (errors_ > config::kDiagnosticsMax) {
    SourceSpan place = diagnostics_.back().place;
    place.line = place.column = 0;
    diagnostics_.push_back({place, Diagnostic::Severity::kError,
                            absl::StrCat("there are ", errors_ - config::kDiagnosticsMax,
                                         " more errors; repair the first ones")});
  }
  return std::move(diagnostics_);
}

}  // namespace grange::pipeline
