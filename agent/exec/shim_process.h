#ifndef GRANGE_AGENT_EXEC_SHIM_PROCESS_H_
#define GRANGE_AGENT_EXEC_SHIM_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/exec/job_cgroups.h"
#include "agent/shim/run_spec.h"
#include "common/base/lease_grace.h"
#include "common/os/event_loop.h"

// The agent's end of one grange-shim: starts it or finds it again, and hears from it.
namespace grange::exec {

// All that a shim is handed at once; after that the agent may die.
struct ShimRun {
  std::string shell = "/bin/bash";
  std::string script;              // text of the whole script; see agent/job's script text
  std::string after_script;        // "": none
  std::vector<std::string> env;    // "NAME=value", secrets included; CI_JOB_STATUS is added
                                   // for after_script by the shim
  std::vector<std::string> masks;  // values that never reach the spool
  std::string cwd;
  absl::Duration timeout = absl::Hours(1);
  absl::Duration after_script_timeout = absl::Minutes(5);
  uint64_t trace_limit_bytes = 100 << 20;
  bool stop_on_disconnect = false;  // then the shim ends the job at the lease deadline
  // That deadline until the first ExtendLease(), of CLOCK_BOOTTIME; zero: none.
  absl::Duration lease_until = absl::ZeroDuration();
  absl::Duration stop_grace = kLeaseGrace;  // SIGTERM to SIGKILL at a timeout or lost lease
  // Makes `log` durable about once a second while it grows, and at the end of a job that took
  // longer than that. The rest is left to whoever notes the end durably.
  bool sync_log = false;
  std::string trace_prefix;          // written to the spool before the script's output
  bool fail_at_trace_limit = false;  // else what is beyond the limit is dropped
  // How long it waits for space on a full disk, while no agent decides, before it fails.
  absl::Duration disk_patience = absl::Minutes(1);
  JobCgroup cgroup;                   // made by JobCgroups; not there: no limits
  std::optional<shim::JobUser> user;  // whom the scripts run as; none: as this process
  bool no_new_privs = false;          // with a user always
};

// What the shim found out, from the file `result` in the job's folder.
struct ShimResult {
  enum class Reason {
    kExited,
    kTimeout,
    kCanceled,
    kLeaseLost,
    kPrepareFailed,
    kDiskFull,
    kTraceLimit,
    kMemoryLimit,
    kPidsLimit,
    kAgentDrained,
  };
  Reason reason = Reason::kExited;
  int exit_code = 0;
  int signal = 0;
  uint64_t trace_bytes = 0;  // size of the file `log`
  uint64_t dropped_bytes = 0;
  absl::Duration duration = absl::ZeroDuration();
  absl::Duration cpu = absl::ZeroDuration();
  int64_t max_rss_bytes = 0;
  std::string detail;  // one line, such as what could not be executed
};

// Who a process is, across restarts of the agent: a bare pid is reused.
struct ProcessKey {
  pid_t pid = 0;
  uint64_t start_time = 0;  // field 22 of /proc/<pid>/stat
  std::string boot_id;
  friend bool operator==(const ProcessKey&, const ProcessKey&) = default;
};

// When the process was started, since boot; exact to 10 ms.
absl::Duration StartedAt(const ProcessKey& key);

// One job under its shim. Used on the loop's thread only; `on_end` and `on_output` are called
// there. Destroying it leaves shim and job alone. Files in the job's folder
// (docs/formats/job-folder.md):
//   log     the masked output, append-only; read it directly
//   result  written last, by rename; what ReadShimResult() reads
//   sock    the shim listens here for an agent that comes back, from when it has none
//   shim    who the shim is; becomes `result`
class ShimProcess {
 public:
  struct Callbacks {
    std::function<void()> on_output;  // `log` has grown; coalesced, so read until its end
    // The shim has ended; nullopt: it died without a result (killed): nothing of the job is left
    // after at most 2 s.
    std::function<void(std::optional<ShimResult>)> on_end;
  };

  // Starts `shim_program` for the job in `job_dir` (which exists) and hands it `run`. Returns once
  // it has taken the run over: from then on it needs no agent. Secrets go through a socket pair,
  // never through argv or disk.
  static absl::StatusOr<std::unique_ptr<ShimProcess>> Launch(os::EventLoop& loop,
                                                             const std::string& shim_program,
                                                             const std::string& job_dir,
                                                             const ShimRun& run,
                                                             Callbacks callbacks);

  // Finds the shim of an earlier agent process again. kNotFound if it no longer runs: then there is
  // a result file, or there is none and nothing is left of the job.
  static absl::StatusOr<std::unique_ptr<ShimProcess>> Adopt(os::EventLoop& loop,
                                                            const std::string& job_dir,
                                                            const ProcessKey& key,
                                                            Callbacks callbacks);
  virtual ~ShimProcess() = default;

  virtual const ProcessKey& key() const = 0;
  // SIGTERM to the group, SIGKILL to all that is left after `grace`; `force`: SIGKILL at once.
  virtual void Cancel(absl::Duration grace, bool force) = 0;
  // As Cancel() without force, for a script that still runs when its agent should be idle: it ends
  // as kAgentDrained. An after_script goes on.
  virtual void EndForDrain(absl::Duration grace) = 0;
  // The lease now ends at this moment of CLOCK_BOOTTIME (acts only with stop_on_disconnect).
  virtual void ExtendLease(absl::Duration since_boot) = 0;
  // The disk is short of space: the job's output stays in its pipe until Pause(false), or until
  // this agent process has gone.
  virtual void Pause(bool on) = 0;
  // Ends the job at once, as it has written the most on a full disk: so many bytes, into its work
  // tree or its log.
  virtual void FailDiskFull(uint64_t bytes, bool into_work_tree) = 0;
};

// kNotFound: there is none (yet). kDataLoss: it is damaged.
absl::StatusOr<ShimResult> ReadShimResult(const std::string& job_dir);
// The shim that took the job in `job_dir` over, whether it still runs or not: for an agent that
// died before it could note the key that Launch() gave. kNotFound: no shim has taken it over, and
// from now on none will, so that the script never starts.
absl::StatusOr<ProcessKey> FindShim(const std::string& job_dir);
// This machine's boot id.
std::string BootId();

}  // namespace grange::exec

#endif  // GRANGE_AGENT_EXEC_SHIM_PROCESS_H_
