#ifndef GRANGE_COORDINATOR_PIPELINE_ENVIRONMENT_H_
#define GRANGE_COORDINATOR_PIPELINE_ENVIRONMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace grange::pipeline {

// kInvalidArgument unless it may name an environment: letters, digits, blanks and `-_/`, no slash
// at its ends, at most 255 bytes.
absl::Status CheckEnvironmentName(absl::string_view name);

// The name as it may stand in a host name: at most 24 of a-z, 0-9 and `-`. Where something of the
// name was lost, six characters of its hash are at the end, as GitLab has it.
std::string EnvironmentSlug(absl::string_view name);

// What an environment of this name is for: production, staging, testing, development or other.
absl::string_view EnvironmentTier(absl::string_view name);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_ENVIRONMENT_H_
