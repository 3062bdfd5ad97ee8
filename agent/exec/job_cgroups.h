#ifndef GRANGE_AGENT_EXEC_JOB_CGROUPS_H_
#define GRANGE_AGENT_EXEC_JOB_CGROUPS_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// What a job may use, and the control groups in which the kernel sees to it.
namespace grange::exec {

// 0: no limit.
struct JobLimits {
  uint64_t memory_bytes = 0;
  uint64_t pids = 0;  // processes and threads at once

  bool any() const { return memory_bytes > 0 || pids > 0; }
  friend bool operator==(const JobLimits&, const JobLimits&) = default;
};

// The groups of one job: one folder of cgroup v2, or one for each controller of v1.
class JobCgroup {
 public:
  JobCgroup() = default;  // none
  JobCgroup(std::vector<std::string> folders, const JobLimits& limits)
      : folders_(std::move(folders)), limits_(limits) {}

  const std::vector<std::string>& folders() const { return folders_; }
  const JobLimits& limits() const { return limits_; }

 private:
  std::vector<std::string> folders_;
  JobLimits limits_;
};

// What this machine offers to this agent, found once at its start. Immutable; thread-safe.
//
// The groups of jobs are made in the agent's own group, or in one that it is told. With cgroup v2
// no process may be in a group that has limited ones below it: there the agent, if it is the only
// process of its own group, moves into a group `agent` below that when the first job needs it.
class JobCgroups {
 public:
  JobCgroups() = default;  // offers nothing
  // Never fails: WhyNoMemory() and WhyNoPids() say what is missing. Groups of agents with other
  // state directories are left alone. `where`: a group for this agent alone, as in
  // /proc/self/cgroup, made if it isn't there; "": the agent's own. `proc` is /proc but in tests.
  static JobCgroups Find(absl::string_view state_dir, const std::string& where,
                         const std::string& proc = "/proc");

  // "" if jobs can be limited so; else why not, and what to do.
  const std::string& WhyNoMemory() const { return why_no_memory_; }
  const std::string& WhyNoPids() const { return why_no_pids_; }
  // For people, such as "cgroup v1 (memory, pids)".
  std::string ToString() const;

  // Makes the groups of the job in `job_dir`, notes them there in the file `cgroup`
  // (docs/formats/job-folder.md) and sets the limits, which must be possible here.
  absl::StatusOr<JobCgroup> Make(const std::string& job_dir, const JobLimits& limits) const;
  // Sets the limits of a job that runs again: whoever started this agent anew may have taken them
  // away, as systemd does. Fine for a job without any.
  absl::Status Renew(const std::string& job_dir) const;
  // Kills and removes the groups of this agent's jobs, but those of `keep`: names of job folders.
  // May block, for 2 s at most. Returns how many there were.
  size_t Sweep(const std::set<std::string>& keep) const;

 private:
  enum class Version { kNone, kV1, kV2 };
  struct Parent {
    std::string folder;      // groups of jobs are made in it
    std::string controller;  // of v1; "" with v2
  };

  absl::Status Prepare() const;

  Version version_ = Version::kNone;
  std::vector<Parent> parents_;
  bool told_ = false;   // the group isn't the agent's own
  std::string prefix_;  // of the names of the jobs' groups: this state directory's alone
  std::string why_no_memory_ = "this agent has not looked for cgroups";
  std::string why_no_pids_ = why_no_memory_;
};

// Of a job whose shim is dead, from the file `cgroup` in its folder; without one nothing is done.
// SIGKILL to all that are in its groups: how many there were.
size_t KillCgroupOf(const std::string& job_dir);
// True if its groups are gone; false while a process is in one.
bool RemoveCgroupOf(const std::string& job_dir);

}  // namespace grange::exec

#endif  // GRANGE_AGENT_EXEC_JOB_CGROUPS_H_
