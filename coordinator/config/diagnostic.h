#ifndef GRANGE_COORDINATOR_CONFIG_DIAGNOSTIC_H_
#define GRANGE_COORDINATOR_CONFIG_DIAGNOSTIC_H_

#include <compare>
#include <string>
#include <vector>

#include "common/base/source_span.h"

namespace grange::config {

// One thing that is wrong, or surely not meant, in a configuration.
struct Diagnostic {
  enum class Severity { kError, kWarning };
  SourceSpan place;
  Severity severity = Severity::kError;
  std::string message;  // lower case, no full stop, names in quotes, the next step in it
  // Where the file of `place` was included, then where that file was, …; empty for the root file.
  std::vector<SourceSpan> included_from = {};

  friend auto operator<=>(const Diagnostic&, const Diagnostic&) = default;

  // "file:line:column: message", with "warning: " before the message of a warning.
  std::string ToString() const;
  // The further lines, "  included from .gitlab-ci.yml:3:5", each with a line feed before it.
  std::string IncludedFromLines() const;
};

// Adds a diagnostic, unless there are kDiagnosticsMax of its severity or more: whatever was warned
// of before, the first errors are kept.
void Report(std::vector<Diagnostic>& diagnostics, Diagnostic::Severity severity, SourceSpan place,
            std::string message);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_DIAGNOSTIC_H_
