#ifndef GRANGE_AGENT_JOB_SECRET_MASK_H_
#define GRANGE_AGENT_JOB_SECRET_MASK_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "agent/job/job_spec.h"
#include "common/base/secret.h"

namespace grange::job {

// Masks a job's secret values in texts that the agent itself writes about it, such as what git has
// said, in the forms in which the shim masks them in the job's output. Values that name others are
// masked as they are written, not as they are expanded: those the shim alone knows.
class SecretMask {
 public:
  explicit SecretMask(const JobSecrets& secrets);

  std::string Apply(absl::string_view text) const;

 private:
  std::vector<Secret> values_;
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_SECRET_MASK_H_
