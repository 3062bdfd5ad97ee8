#ifndef GRANGE_TOOLS_CTL_EXPLAIN_TEXT_H_
#define GRANGE_TOOLS_CTL_EXPLAIN_TEXT_H_

#include <string>

#include "coordinator/config/merged_config.h"
#include "coordinator/pipeline/compile.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/terminal.h"

namespace grange::ctl {

// Why one job is in or out, for `grangectl explain JOB`: the rule that decided, the variables that
// were looked at with their values, and where each of its keywords was written.
std::string ExplainText(const pipeline::JobDecision& decision, const config::MergedConfig& config,
                        const Terminal& terminal);
Json ExplainJson(const pipeline::JobDecision& decision, const config::MergedConfig& config);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_EXPLAIN_TEXT_H_
