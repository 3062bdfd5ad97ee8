#ifndef GRANGE_AGENT_SESSION_RUN_AGENT_H_
#define GRANGE_AGENT_SESSION_RUN_AGENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/exec/job_cgroups.h"
#include "agent/job/disk_guard.h"
#include "agent/job/idle_sweeper.h"

namespace grange::session {

struct RunOptions {
  std::string state_dir;
  std::string shim_program;  // "": grange-shim beside this program
  uint64_t free_bytes_min = uint64_t{1} << 30;
  job::DiskLimits disk;
  job::SweepSettings sweep;
  // The longest wait before a lost session is opened anew; how long is up to chance.
  absl::Duration reconnect_max = absl::Seconds(15);
  // What a job has after SIGTERM at a drain's deadline; then SIGKILL.
  absl::Duration drain_grace = absl::Seconds(30);
  exec::JobLimits limits;           // of each job; one may ask for less
  std::string cgroup;               // see JobCgroups::Find()
  std::vector<std::string> run_as;  // see exec::ResolveAccounts(); none: jobs are the agent's user
  bool no_new_privs = false;        // for all jobs; for those of other users always
};

// Runs the agent of a state directory until it is told to end: SIGTERM and SIGINT end only this
// process, jobs go on under their shims; SIGQUIT takes no more jobs and ends when the last one is
// done. Prints a line "ready …" on stdout with the first session. Blocks SIGTERM and so on first
// thing: call it before anything starts a thread.
//
// kFailedPrecondition if the directory has no registration, kAlreadyExists if another agent uses
// it.
absl::Status RunAgent(const RunOptions& options);

// The default of RunOptions::shim_program.
std::string ShimBesideThisProgram();

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_RUN_AGENT_H_
