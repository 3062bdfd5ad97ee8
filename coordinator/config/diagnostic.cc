#include "coordinator/config/diagnostic.h"

#include "absl/strings/str_cat.h"

namespace grange::config {

std::string Diagnostic::ToString() const {
  return absl::StrCat(place.ToString(), ": ", severity == Severity::kWarning ? "warning: " : "",
                      message);
}

}  // namespace grange::config
