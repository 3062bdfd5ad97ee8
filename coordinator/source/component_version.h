#ifndef GRANGE_COORDINATOR_SOURCE_COMPONENT_VERSION_H_
#define GRANGE_COORDINATOR_SOURCE_COMPONENT_VERSION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grange::source {

// The tag that a component's version means, of those that are releases ("1.2.3", "v1.2.3"): the
// highest of all for "~latest", the highest that begins so for "1" and "1.2". nullopt for other
// versions, and if no tag fits.
std::optional<std::string> NewestRelease(absl::string_view version,
                                         const std::vector<std::string>& tags);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_COMPONENT_VERSION_H_
