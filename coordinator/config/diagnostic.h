#ifndef GRANGE_COORDINATOR_CONFIG_DIAGNOSTIC_H_
#define GRANGE_COORDINATOR_CONFIG_DIAGNOSTIC_H_

#include <compare>
#include <string>

#include "common/base/source_span.h"

namespace grange::config {

// One thing that is wrong, or surely not meant, in a configuration.
struct Diagnostic {
  enum class Severity { kError, kWarning };
  SourceSpan place;
  Severity severity = Severity::kError;
  std::string message;  // lower case, no full stop, names in quotes, the next step in it

  friend auto operator<=>(const Diagnostic&, const Diagnostic&) = default;

  // "file:line:column: message", with "warning: " before the message of a warning.
  std::string ToString() const;
};

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_DIAGNOSTIC_H_
