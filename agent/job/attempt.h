#ifndef GRANGE_AGENT_JOB_ATTEMPT_H_
#define GRANGE_AGENT_JOB_ATTEMPT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/exec/job_account.h"
#include "agent/exec/job_cgroups.h"
#include "agent/exec/shim_process.h"
#include "agent/job/disk_guard.h"
#include "agent/job/disk_watch.h"
#include "agent/job/idle_sweeper.h"
#include "agent/job/job_environment.h"
#include "agent/job/job_phase.h"
#include "agent/job/job_result.h"
#include "agent/job/job_spec.h"
#include "agent/job/secret_mask.h"
#include "agent/job/workbench.h"
#include "agent/job/worker_pool.h"
#include "agent/trace/journal.h"
#include "agent/trace/trace_sender.h"
#include "agent/workspace/cancellation.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/os/event_loop.h"

namespace grange::job {

// What attempts say to the coordinator. Without a session a message goes nowhere: what matters is
// said again by the next Hello.
class Hub {
 public:
  virtual ~Hub() = default;
  virtual void Accepted(const Assignment& assignment) = 0;
  virtual void Declined(const Assignment& assignment, const std::string& reason) = 0;
  virtual void Started(const Assignment& assignment) = 0;
  virtual void Finished(const Assignment& assignment, const JobResult& result) = 0;
  virtual void Note(const Assignment& assignment, const std::string& text) = 0;
};

// What stays the same while an agent runs.
struct AgentSettings {
  std::string state_dir;
  std::string shim_program;
  AgentId agent;
  std::string name;
  std::vector<std::string> tags;
  bool run_untagged = true;
  int slots = 1;
  std::string server;
  std::vector<std::string> environment;         // of the agent's own process
  uint64_t free_bytes_min = uint64_t{1} << 30;  // with less free disk offers are declined
  DiskLimits disk;
  SweepSettings sweep;
  absl::Duration drain_grace = absl::Seconds(30);  // after SIGTERM at a drain's deadline
  exec::JobCgroups cgroups;
  exec::JobLimits limits;                  // of each job; one may ask for less
  std::vector<exec::JobAccount> accounts;  // one for each slot; none: jobs are the agent's user
  bool no_new_privs = false;               // sudo and the like do nothing for jobs
};

// Everything that attempts use and none of them owns.
struct AttemptContext {
  const AgentSettings& settings;
  os::EventLoop& loop;
  const Clock& clock;
  trace::Journal& journal;
  trace::TraceSender& traces;
  WorkerPool& workers;
  Workbench& workbench;
  Hub& hub;
  DiskWatch* disk = nullptr;  // set by the job table
};

// One attempt of a job at its agent, from the offer to its being forgotten: writes down each step
// before it tells or does it (docs/formats/agent-journal.md), and finds its way back from the
// journal after a crash. Used on the loop's thread only; work that blocks goes to the workers.
//
// Owned by the job table through a shared_ptr that posted work shares, so that an answer never
// finds its asker gone; after Gone an attempt ignores whatever comes.
class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(const AttemptContext& context, const Assignment& assignment, JobSpec spec, int slot);

  // A new offer: written down, then accepted. `spec_bytes` is what DecodeSpec gets after a crash.
  void Accept(const std::string& spec_bytes);
  // Goes on where the journal says; once, instead of Accept().
  void Recover(const std::vector<trace::Record>& records);

  void Start(JobSecrets secrets);
  void Cancel(absl::Duration grace, bool force);
  // The agent should have no jobs any more: it ends as for a cancel, as kAgentDrained. An
  // after_script goes on.
  void EndForDrain(absl::Duration grace);
  // The coordinator has no more use for it. A run that still goes on is killed first.
  void Forget();
  // The lease ends at this time since boot.
  void SetLease(absl::Duration deadline);
  // The link is new: a result that was sent before may have been lost.
  void NewSession() { result_sent_ = false; }
  // The agent's disk is short of space: the job's output stays in its pipe.
  void PauseOutput(bool on);
  // It has written the most on a full disk: it ends.
  void FailAsLargest(const DiskUse& use);
  DiskPlace PlaceOnDisk() const;
  // The agent ends: work of other threads is stopped. Nothing is recorded.
  void Abandon() { cancellation_.Cancel(); }

  const Assignment& assignment() const { return assignment_; }
  JobPhase phase() const { return phase_; }
  int slot() const { return slot_; }
  bool holds_slot() const { return phase_ != JobPhase::kFinished && phase_ != JobPhase::kGone; }
  uint64_t TraceBytes() const;
  const std::string& job_dir() const { return job_dir_; }
  // What is kept for later jobs and is this one's while it holds its slot: its work tree and what
  // lies beside it, and the mirror of its project.
  std::vector<std::string> KeptFolders() const;
  // Called once, when the attempt is gone.
  void set_on_gone(std::function<void()> on_gone) { on_gone_ = std::move(on_gone); }

 private:
  bool Move(JobEvent event);
  void OnPrepared(const Workbench::Prepared& prepared);
  absl::Status MakeRun(const std::string& prefix, exec::ShimRun& run);
  absl::Status Confine(exec::ShimRun& run);
  absl::Status BecomeUser(exec::ShimRun& run);
  void Launch(exec::ShimRun run);
  exec::ShimProcess::Callbacks ShimCallbacks();
  void Running(std::unique_ptr<exec::ShimProcess> shim);
  void OnShimEnded(const std::optional<exec::ShimResult>& shim_result);
  // Ends what goes on without a shim; what waits for the journal looks at stopped() by itself.
  void StopWork();
  JobResult StoppedResult() const;
  void FinishOrStore(JobResult result);
  void DropFiles();
  void StoreArtifacts(JobResult result);
  void RecoverRun(const std::string& boot_id);
  void RecoverResult(const std::string& text);

  std::string Masked(std::string text) const;
  void Finish(JobResult result);
  void FinishHashed(JobResult result);
  void WriteResult(JobResult result);
  void SyncLogLater(const JobResult& result);
  void SendResult();
  void NoteUseOfFolders() const;
  void BecomeGone();

  JobPlace Place() const;
  std::string WorkTree() const;
  std::string LogPath() const;
  std::string MarksPath() const;
  std::string FilesDir() const;
  std::string HomeDir() const;
  std::string OwnHomeDir() const;           // of a slot's user that has none
  const exec::JobAccount* Account() const;  // null: the agent's own
  Workbench::Folders Folders() const;
  bool stopped() const { return cancel_ || drained_; }
  bool IsOver() const {
    return finishing_ || phase_ == JobPhase::kFinished || phase_ == JobPhase::kGone;
  }

  const AttemptContext context_;
  const Assignment assignment_;
  const JobSpec spec_;
  const int slot_;
  const std::string job_dir_;
  JobPhase phase_ = JobPhase::kAccepting;
  std::optional<JobSecrets> secrets_;  // from Start() until the shim has them
  std::optional<SecretMask> mask_;     // from the same moment on, for what we say ourselves
  workspace::Cancellation cancellation_;
  std::unique_ptr<exec::ShimProcess> shim_;
  absl::Duration began_at_ = absl::ZeroDuration();  // the shim, since boot; zero: not yet
  std::optional<absl::Duration> lease_;
  std::optional<JobResult> result_;  // once it is durable
  bool finishing_ = false;           // the result is being hashed or written
  bool cancel_ = false;
  bool drained_ = false;
  bool forget_ = false;
  bool result_sent_ = false;  // in this session
  std::function<void()> on_gone_;
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_ATTEMPT_H_
