#ifndef GRANGE_AGENT_SHIM_JOB_CGROUP_H_
#define GRANGE_AGENT_SHIM_JOB_CGROUP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/shim/owned_fd.h"

namespace grange::shim {

// The control groups of one job, made by its agent: one folder of cgroup v2, or one for each
// controller of v1. The job's processes are in them, its shim never: the kernel that looks for
// somebody to kill at a memory limit must not find it. Both programs use this; without folders
// every function does nothing.
class JobCgroup {
 public:
  enum class Limit { kNone, kMemory, kPids };

  JobCgroup() = default;
  // A limit of 0: none.
  JobCgroup(std::vector<std::string> folders, uint64_t memory_bytes, uint64_t pids)
      : folders_(std::move(folders)), memory_bytes_(memory_bytes), pids_(pids) {}

  bool exists() const { return !folders_.empty(); }
  // Writes the limits. The path of the file that could not be written, with errno; "" if all is
  // well.
  std::string SetLimits() const;

  // Whoever writes "0" into each of these is in. Fewer than there are folders, with errno, if one
  // could not be opened.
  std::vector<OwnedFd> OpenDoors() const;
  size_t doors() const { return folders_.size(); }
  // The only folder, for a process that is made in it, which is much faster than to move one. Not
  // open with cgroup v1, which can't do that.
  OwnedFd OpenFolder() const;

  // Which limit the job has run into since NoteEvents().
  Limit Exceeded() const;
  void NoteEvents();
  // Such as "killed: memory limit 512 MiB".
  std::string Describe(Limit limit) const;

  // No more processes may be made in it, so that those that are there can be killed in one go; and
  // again they may.
  void HoldForks() const;
  void AllowForks() const;
  // SIGKILL to all that are in it: how many there were.
  size_t KillAll() const;
  // True if it is gone; false while a process is in it.
  bool Remove() const;

 private:
  uint64_t OomKills() const;
  uint64_t ForksRefused() const;

  std::vector<std::string> folders_;
  uint64_t memory_bytes_ = 0;
  uint64_t pids_ = 0;
  uint64_t oom_kills_before_ = 0;
  uint64_t forks_refused_before_ = 0;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_JOB_CGROUP_H_
