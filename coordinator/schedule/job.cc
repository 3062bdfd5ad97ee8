#include "coordinator/schedule/job.h"

#include <algorithm>

#include "coordinator/schedule/pipeline.h"

namespace grange::schedule {

QueueKey Job::key() const { return {pipeline->id, node.stage, index}; }

bool AllowedToFail(const JobNode& node) {
  if (node.allow_failure.always) return true;
  // Only a script has an exit code.
  return node.reason == lifecycle::FailureReason::kScriptFailure &&
         std::ranges::find(node.allow_failure.exit_codes, node.exit_code) !=
             node.allow_failure.exit_codes.end();
}

}  // namespace grange::schedule
