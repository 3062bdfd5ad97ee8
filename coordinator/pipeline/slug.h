#ifndef GRANGE_COORDINATOR_PIPELINE_SLUG_H_
#define GRANGE_COORDINATOR_PIPELINE_SLUG_H_

#include <string>

#include "absl/strings/string_view.h"

namespace grange::pipeline {

// A name as it may stand in a host name or a path: lower case, everything but 0-9 and a-z as `-`,
// at most 63 bytes, no `-` at its ends. As CI_COMMIT_REF_SLUG.
std::string Slug(absl::string_view name);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_SLUG_H_
