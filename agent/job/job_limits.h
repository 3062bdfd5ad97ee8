#ifndef GRANGE_AGENT_JOB_JOB_LIMITS_H_
#define GRANGE_AGENT_JOB_JOB_LIMITS_H_

#include <string>

#include "agent/exec/job_cgroups.h"

namespace grange::job {

struct LimitPlan {
  exec::JobLimits limits;
  std::string text;  // whole lines for the head of the job's log; "" if there is nothing to say
};

// What a job that asks for `wanted` gets from an agent whose jobs have the limits `most`: the lower
// of both, and nothing that the machine can't do. `why_no_…` says why it can't; "": it can. Pure.
LimitPlan PlanLimits(const exec::JobLimits& wanted, const exec::JobLimits& most,
                     const std::string& why_no_memory, const std::string& why_no_pids);

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_JOB_LIMITS_H_
