#include "coordinator/config/diagnostic.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/config/limits.h"

namespace grange::config {

std::string Diagnostic::ToString() const {
  return absl::StrCat(place.ToString(), ": ", severity == Severity::kWarning ? "warning: " : "",
                      message);
}

std::string Diagnostic::IncludedFromLines() const {
  std::string lines;
  for (const SourceSpan& span : included_from) {
    absl::StrAppend(&lines, "\n  included from ", span.ToString());
  }
  return lines;
}

void Report(std::vector<Diagnostic>& diagnostics, Diagnostic::Severity severity, SourceSpan place,
            std::string message) {
  // Warnings never fill more than the first half.
  const size_t room =
      severity == Diagnostic::Severity::kWarning ? kDiagnosticsMax : 2 * kDiagnosticsMax;
  if (diagnostics.size() >= room) return;
  diagnostics.push_back({std::move(place), severity, std::move(message)});
}

}  // namespace grange::config
