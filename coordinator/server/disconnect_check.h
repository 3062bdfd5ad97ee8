#ifndef GRANGE_COORDINATOR_SERVER_DISCONNECT_CHECK_H_
#define GRANGE_COORDINATOR_SERVER_DISCONNECT_CHECK_H_

#include <map>
#include <string>
#include <vector>

#include "coordinator/pipeline/graph.h"

namespace grange::server {

// What there is to say of a new pipeline about its jobs and an agent that is away. Each text names
// the file, the jobs and what to do; it ends up beside the compiler's own.
struct DisconnectFindings {
  std::vector<std::string> errors;    // a GRANGE_ON_DISCONNECT that is neither keep nor stop
  std::vector<std::string> warnings;  // a job that goes on and is retried when its agent is lost
};

// `settings` are the project's. Pure.
DisconnectFindings CheckDisconnect(const std::string& file,
                                   const std::vector<pipeline::JobPlan>& jobs,
                                   const std::map<std::string, std::string>& settings);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_DISCONNECT_CHECK_H_
