#ifndef GRANGE_AGENT_SHIM_SUPERVISOR_H_
#define GRANGE_AGENT_SHIM_SUPERVISOR_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/shim/agent_door.h"
#include "agent/shim/boot_timer.h"
#include "agent/shim/disk_wait.h"
#include "agent/shim/job_cgroup.h"
#include "agent/shim/job_folder.h"
#include "agent/shim/log_sync.h"
#include "agent/shim/owned_fd.h"
#include "agent/shim/process_tree.h"
#include "agent/shim/run_result.h"
#include "agent/shim/run_spec.h"
#include "agent/shim/spool.h"

namespace grange::shim {

// Runs one job from its taking over to its result: one thread that sleeps until something happens.
//
//   script ──ends──▶ settling ──▶ sweeping ──▶ after_script (the same way) ──▶ result
//      └──stop──▶ stopping ───────────┘  └── timeout, force, lease lost, disk full ──┘
//
// settling: the script has ended but something that it left still writes (`… | tee`), which may
//   go on while it does, for 2 s at most; a silent daemon gets 100 ms. Once the output is closed,
//   who is just on its way out gets 20 ms, and half a second on a machine with much to do.
// stopping: SIGTERM was sent to the group, which has its grace.
// sweeping: SIGKILL to everything that descends from the script, until nothing is left.
class Supervisor {
 public:
  struct Parts {
    RunSpec spec;
    JobFolder folder;
    Spool spool;
    AgentDoor door;
    BootTimer timer;
    OwnedFd signals;  // a signalfd with SIGCHLD, non-blocking
    mode_t umask;     // of the scripts
  };
  explicit Supervisor(Parts parts);

  // Both scripts, and the file `result`. Errno if that could not be written, else 0.
  int Run();

 private:
  enum class Stage { kScript, kAfterScript, kEnded };

  void RunScript();
  void RunAfterScript();
  bool AfterScriptIsDue() const;

  // Starts the script called `name` and stays until nothing of it is left. False, with a
  // reason in the result, if it could not be started.
  bool RunStage(Stage stage, const char* name, const std::string& text, uint64_t timeout_ms);
  bool Start(const std::string& text);
  bool StageIsOver(uint64_t now) const;
  bool IsSettling() const;
  uint64_t QuietMs() const;
  uint64_t SettledBy() const;
  void Sweep();
  void NoteKilled();

  // supervisor_limits.cc: the ways into the job's cgroup, for a stage that is about to start; too
  // few, with a reason in the result, if they could not be opened.
  std::vector<OwnedFd> OpenCgroup();
  // Ends the stage at once if the job has run into a limit. Looks each second, and after the end
  // of a process.
  void KeepLimits(uint64_t now);

  // Sleeps until something happens or a deadline has come, and deals with it.
  void Wait();
  uint64_t NextDeadline() const;
  void KeepDeadlines(uint64_t now);
  bool LeaseIsOver(uint64_t now) const;
  void NoteDiskError();
  // What a full disk asks for: the next try to write, or the end of the job.
  void KeepDisk(uint64_t now);
  void SetPaused(bool paused);
  void NoteTraceLimit();
  // Until the disk has taken all output, or it was given up.
  void FinishLog(uint64_t started_ms);
  // The job ends now, as it has written the most on a full disk.
  void FailAsLargest(const ShimMessage& message);
  void TakeOutput();
  void NoteGrown();
  void RestartSettling(uint64_t now);
  void TakeMessages(size_t place);
  void ClearSignals();

  // SIGTERM now, SIGKILL after the grace; a later call can only shorten it.
  void Stop(EndReason reason, uint64_t grace_ms);
  void SetReason(EndReason reason);
  void Cancel(bool force, uint64_t grace_ms);
  void AddDetail(const std::string& text);

  Parts parts_;
  JobCgroup cgroup_;
  ProcessTree tree_;
  RunResult result_;
  std::vector<std::string> env_;
  uint64_t lease_until_ms_ = kNever;
  bool forced_ = false;  // nothing may be started any more
  bool paused_ = false;  // by an agent
  LogSync log_sync_;
  DiskWait disk_wait_;

  // Of the stage that runs.
  Stage stage_ = Stage::kScript;
  uint64_t timeout_at_ms_ = kNever;
  uint64_t kill_at_ms_ = kNever;   // not kNever: it is being stopped
  uint64_t ended_at_ms_ = kNever;  // when its main process was found ended
  uint64_t output_at_ms_ = 0;      // the last after that
  uint64_t closed_at_ms_ = 0;      // the output's end, if that came after that; else its time
  bool children_left_ = true;
  uint64_t look_at_limits_ms_ = kNever;
  bool over_limit_ = false;  // then all are killed, whoever they are
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_SUPERVISOR_H_
