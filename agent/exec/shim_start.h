#ifndef GRANGE_AGENT_EXEC_SHIM_START_H_
#define GRANGE_AGENT_EXEC_SHIM_START_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/os/unique_fd.h"

// Starting a shim and handing it its run.
namespace grange::exec {

struct StartedShim {
  pid_t pid = -1;
  os::UniqueFd socket;  // our end of the pair
};

// Starts it in a session of its own, with an empty environment and nothing but the folder in argv.
absl::StatusOr<StartedShim> StartShim(const std::string& program, const std::string& job_dir);

// Sends the frame and waits for the shim's word that the run is its own now. Returns its start time
// (field 22 of /proc/<pid>/stat). If it refuses, or `timeout` has passed, no script was started;
// then end what StartShim() gave.
absl::StatusOr<uint64_t> HandOver(int socket, const std::string& frame, const std::string& job_dir,
                                  absl::Duration timeout);

}  // namespace grange::exec

#endif  // GRANGE_AGENT_EXEC_SHIM_START_H_
