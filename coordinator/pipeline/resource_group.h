#ifndef GRANGE_COORDINATOR_PIPELINE_RESOURCE_GROUP_H_
#define GRANGE_COORDINATOR_PIPELINE_RESOURCE_GROUP_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace grange::pipeline {

// kInvalidArgument unless it may name a resource group: letters, digits, blanks and `-_/${}.`, no
// slash at its ends, at most kExpandedNameMax bytes. Variables that are not known stay in a name.
absl::Status CheckResourceGroup(absl::string_view name);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_RESOURCE_GROUP_H_
