#ifndef GRANGE_COORDINATOR_CONTROL_BACKEND_H_
#define GRANGE_COORDINATOR_CONTROL_BACKEND_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id.h"
#include "coordinator/schedule/event.h"
#include "coordinator/schedule/scheduler.h"
#include "coordinator/store/store.h"
#include "coordinator/sweep/sweeper.h"

namespace grange::control {

struct SubmitOrder {
  std::string request_key;  // "": none; made by BindKey()
  store::Actor actor;
  std::string project;
  std::string sha;  // full; "" with `url`
  std::string ref_name;
  bool is_tag = false;
  std::string url;
  std::string file;   // "": .gitlab-ci.yml
  std::string event;  // "": push
  std::vector<std::pair<std::string, std::string>> variables;
  std::string before_sha;
  std::string default_branch;
  std::vector<std::pair<std::string, std::string>> inputs;  // name, JSON text
};

struct SubmitAnswer {
  enum class Outcome { kCreated, kNeedObjects, kNoJobs, kInvalid };
  Outcome outcome = Outcome::kCreated;
  PipelineId pipeline;
  ProjectId project;
  std::string sha;
  std::vector<std::string> errors, warnings;
};

struct BackupMade {
  std::string folder;  // on the coordinator's machine
  uint64_t bytes = 0;
  size_t files = 0;
};

struct UsageLine {
  store::UsageRow row;
  retention::Limit limit;
  std::string agent = {};  // whose disk it is on; "": the coordinator's
};
struct UsageReport {
  std::vector<UsageLine> lines;
  uint64_t disk_bytes = 0, disk_free = 0;
  store::DatabaseSize database;
  sweep::Sweeper::Times sweeps;
};

// What grangectl's door needs of the coordinator's inside. Calls block until what they did is
// durable; they come from gRPC's synchronous threads, several at once.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual absl::StatusOr<SubmitAnswer> Submit(const SubmitOrder& order) = 0;

  // CancelPipeline … PlayJob: checked against what is the case now, applied, committed in one
  // transaction with `answer`. kNotFound, or kFailedPrecondition with what to do instead; then
  // nothing is stored.
  virtual absl::Status Request(const schedule::Event& request, const store::Answer& answer) = 0;
  // Facts about agents that have changed by a person: not checked.
  virtual void Tell(schedule::Event event) = 0;

  virtual absl::StatusOr<schedule::Explanation> Why(JobId job) = 0;
  virtual std::vector<schedule::Scheduler::AgentView> Agents() = 0;
  virtual absl::Time LastContact(AgentId agent) const = 0;
  // Of an agent without a session: since when it is away, for display. Else InfiniteFuture.
  virtual absl::Time AwaySince(AgentId agent) const = 0;
  // What the agent that runs the job says that it does just now; "": nothing.
  virtual std::string NoteOf(JobId job) const = 0;
  // Whether the job stops when its agent is away for longer than its lease.
  virtual bool StopsOnDisconnect(JobId job) = 0;
  virtual void EndSessionsOf(AgentId agent, const absl::Status& why) = 0;
  // `progress` gets the bytes so far. See backup::BackupKeeper::Create().
  virtual absl::StatusOr<BackupMade> CreateBackup(
      const std::string& name, bool whole, const std::function<void(uint64_t)>& progress) = 0;
  virtual absl::StatusOr<UsageReport> Usage() = 0;
  virtual absl::StatusOr<std::vector<sweep::Swept>> Sweep(bool dry_run) = 0;
  // "" or why nothing new is taken (a full disk).
  virtual std::string ReadOnlyReason() const = 0;
};

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_BACKEND_H_
