#ifndef GRANGE_AGENT_JOB_JOB_TABLE_H_
#define GRANGE_AGENT_JOB_JOB_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/job/attempt.h"
#include "agent/job/kept_counter.h"

namespace grange::job {

// What a Hello says about one attempt.
struct Report {
  enum class Phase { kAccepted, kStarting, kRunning, kFinished };
  Assignment assignment;
  Phase phase = Phase::kAccepted;
  uint64_t trace_bytes = 0;
};

// What a Welcome says about one attempt.
struct Verdict {
  enum class Kind { kGoOn, kStart, kForget, kRevoke };
  Assignment assignment;
  Kind kind = Kind::kGoOn;
  uint64_t trace_offset = 0;
};

// All attempts of this agent. Messages about an attempt that it doesn't hold, or holds under
// another fence, change nothing: the fence says who may run a job. Used on the loop's thread only.
class JobTable : private DiskWatch::Jobs {
 public:
  using DecodeSpec = std::function<absl::StatusOr<JobSpec>(absl::string_view bytes)>;

  JobTable(const AttemptContext& context, DecodeSpec decode);
  ~JobTable() override;

  // Takes up what the journal has, and removes the folders of what it hasn't. Once, before
  // anything else.
  void Recover();

  void Offer(const Assignment& assignment, const std::string& spec_bytes);
  void Start(const Assignment& assignment, JobSecrets secrets);
  void Cancel(const Assignment& assignment, absl::Duration grace, bool force);
  void Forget(const Assignment& assignment);  // JobForget and Revoke alike
  // Kills all that runs and keeps nothing of it.
  void ForgetAll();
  // The coordinator's wish, which it repeats in each session. What still runs at `deadline` (since
  // boot) is stopped as for a cancel and ends as kAgentDrained, and so does what is started after
  // it. Each call replaces the last one's deadline.
  void Drain(bool on, std::optional<absl::Duration> deadline = std::nullopt);
  // Takes nothing more, whatever the coordinator wishes.
  void Close() { closed_ = true; }

  std::vector<Report> Reports() const;
  void BeginSession();
  void Apply(const Verdict& verdict);
  // The lease ends at this time since boot; also for attempts that come later.
  void SetLease(absl::Duration deadline);

  bool draining() const { return draining_ || closed_; }
  bool empty() const { return attempts_.empty(); }
  int FreeSlots() const;
  uint64_t FreeBytes() const;
  // What was counted last of the folders for later jobs; none yet: not counted.
  const std::optional<KeptSizes>& kept() const { return counter_.sizes(); }
  // Of the folders of jobs that aren't forgotten, now.
  uint64_t SpoolBytes() const { return disk_.SpoolBytes(); }
  // Called when the last attempt has gone.
  void set_on_empty(std::function<void()> on_empty) { on_empty_ = std::move(on_empty); }
  // The agent ends: stops the workers' doings, records nothing, leaves all jobs running.
  void Abandon();

 private:
  std::shared_ptr<Attempt> Find(const Assignment& assignment) const;
  std::optional<int> FreeSlot() const;
  std::string WhyNot(const Assignment& assignment) const;
  void Add(std::shared_ptr<Attempt> attempt);
  void Remove(const std::shared_ptr<Attempt>& attempt);
  void RecoverOne(const Assignment& assignment, const std::vector<trace::Record>& records);
  void SweepFolders();
  void SweepCgroups();
  void DeleteLater(const std::string& folder);
  bool DrainIsOver() const;
  void KeepDrainDeadline();
  // DiskWatch::Jobs
  std::vector<DiskPlace> DiskPlaces() const override;
  void PauseOutput(bool on) override;
  void FailLargest(const DiskUse& use) override;
  void DropIdleWorkTrees() override;
  std::set<std::string> FoldersInUse() const;

  DiskWatch disk_;
  IdleSweeper sweeper_;
  KeptCounter counter_;
  const AttemptContext context_;
  const DecodeSpec decode_;
  // Shared with work that is under way, see Attempt.
  std::map<Assignment, std::shared_ptr<Attempt>> attempts_;
  std::optional<absl::Duration> lease_;
  bool draining_ = false;
  std::optional<absl::Duration> drain_deadline_;  // since boot; only while draining_
  os::EventLoop::TimerId drain_timer_ = 0;
  bool closed_ = false;
  uint64_t deleted_ = 0;
  std::function<void()> on_empty_;
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_JOB_TABLE_H_
