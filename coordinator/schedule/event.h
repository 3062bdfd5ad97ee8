#ifndef GRANGE_COORDINATOR_SCHEDULE_EVENT_H_
#define GRANGE_COORDINATOR_SCHEDULE_EVENT_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/lifecycle/failure_reason.h"
#include "coordinator/lifecycle/job_state.h"
#include "coordinator/lifecycle/pipeline_state.h"
#include "coordinator/lifecycle/retry_policy.h"

// What can happen to the scheduler: plain values, made by the shell.
namespace grange::schedule {

struct SessionTag {
  static constexpr char kName[] = "session";
};
// One control stream of one agent; unique within the life of a coordinator process.
using SessionId = Id<SessionTag>;

// Where an attempt stands between coordinator and agent. kNone: nobody has it.
enum class Phase { kNone, kOffered, kGranted, kRunning };

struct AllowFailure {
  bool always = false;
  std::vector<int> exit_codes;  // allowed for these only
};

// A job as the scheduler needs it: facts of the compiled graph plus, when it is restored, how far
// it had come.
struct JobNode {
  JobId id{};
  std::string name{};
  int stage = 0;  // index into the pipeline's stages
  lifecycle::When when = lifecycle::When::kOnSuccess;
  AllowFailure allow_failure{};
  bool has_needs = false;  // else: all jobs of earlier stages
  struct Need {
    JobId job;
    bool optional = false;
  };
  std::vector<Need> needs{};
  std::vector<std::string> tags{};
  std::vector<std::string> features{};  // that its agent must have
  lifecycle::RetryPolicy retry{};
  absl::Duration start_in = absl::ZeroDuration();  // when: delayed
  bool interruptible = false;
  bool stop_on_disconnect = false;  // GRANGE_ON_DISCONNECT: stop

  // How far it has come; a new job has the defaults.
  lifecycle::JobState state = lifecycle::JobState::kCreated;
  AttemptNumber attempt = 0;  // newest; 0: none yet
  int automatic_retries = 0;  // since a person last started it
  Phase phase = Phase::kNone;
  Fence fence{};  // of the newest assignment
  AgentId agent{};
  lifecycle::FailureReason reason = lifecycle::FailureReason::kNone;
  int exit_code = 0;
  bool cancel_wanted = false;
  bool cancel_by_force = false;  // with the former: without the grace
  bool played = false;  // a person has started it: its `when: manual` is served
  absl::Time queued_at = absl::InfinitePast();
  absl::Time play_at = absl::InfiniteFuture();   // kScheduled: when its timer fires
  absl::Time started_at = absl::InfinitePast();  // of the newest attempt
  absl::Time finished_at = absl::InfinitePast();
};

// A pipeline whose rows are durable: new, restored at start, or brought back for a retry. Nothing
// changes if it is in memory, or if it has left memory and these rows are older than its end
// (they were read before that was committed): read them again.
struct PipelineAdded {
  PipelineId id{};
  ProjectId project{};
  std::string project_name{};
  std::vector<std::string> stages{};
  std::vector<JobNode> jobs{};  // in file order

  // As its row has it, so that what is written later keeps it; a new one has the defaults.
  lifecycle::PipelineState state = lifecycle::PipelineState::kCreated;
  absl::Time started_at = absl::InfinitePast();
};

// What an agent says of a job in its Hello.
struct JobReport {
  enum class Phase { kAccepted, kStarting, kRunning, kFinished };
  Assignment assignment;
  Phase phase = Phase::kAccepted;
};

// An agent that exists (registered); at start and when it is registered or changed by a person.
struct AgentAdded {
  AgentId id{};
  std::string name{};
  std::vector<std::string> tags{};
  bool run_untagged = true;
  int slots = 1;
  ProjectId project{};  // set: takes jobs of this project only
  bool draining = false;
  absl::Time drain_until = absl::InfiniteFuture();  // with the former; see AgentDrainChanged
};
struct AgentRemoved {
  AgentId id;
};

// A Hello that passed all checks of identity. Ends the agent's older session, if any.
struct AgentConnected {
  AgentId agent;
  SessionId session;
  int slots = 1;
  std::vector<JobReport> jobs;
  // What it says that it can do beyond what every agent can; known until it says Hello again.
  std::vector<std::string> features = {};
  std::string version = {};  // for people
};
struct AgentDisconnected {
  AgentId agent;
  SessionId session;
};
// With `draining` what is offered to it and not granted goes back to the queue: once this is
// durable, no job starts there that had not been granted.
// What still runs on it after `stop_after` is stopped by the agent, and fails as kAgentDrained.
// Each drain replaces the last one's time.
struct AgentDrainChanged {
  AgentId agent;
  bool draining = true;
  absl::Duration stop_after = absl::InfiniteDuration();
};

// While `why` isn't empty nothing is offered to anybody; what was offered before goes its way.
struct OffersPaused {
  std::string why;  // for people: "the coordinator's disk is full"
};

// Messages of an agent about one assignment. Late, repeated and foreign ones change nothing.
struct JobAccepted {
  AgentId agent;
  SessionId session;
  Assignment assignment;
};
// A reason with the word "draining" in it: no offers until the agent's next Hello.
struct JobDeclined {
  AgentId agent;
  SessionId session;
  Assignment assignment;
  std::string reason;
};
// What was to be offered or started can't be put into a message, such as a job with a GIT_DEPTH
// that is no number, or one that is too large: no agent will ever get it. It fails, without a
// retry; an agent that has accepted it is told. Nothing changes once it runs.
struct JobUnofferable {
  Assignment assignment;
  std::string detail;  // where, what, what to do
};
struct JobStarted {
  AgentId agent;
  SessionId session;
  Assignment assignment;
};
// Posted once the trace is durable up to the result's length.
struct JobFinished {
  AgentId agent;
  SessionId session;
  Assignment assignment;
  lifecycle::FailureReason reason = lifecycle::FailureReason::kNone;
  int exit_code = 0;
};

// What people ask for. By force what runs is killed at once, also what is being canceled already.
struct CancelPipeline {
  PipelineId pipeline;
  bool force = false;
};
struct CancelJob {
  JobId job;
  bool force = false;
};
struct RetryPipeline {
  PipelineId pipeline;
};
struct RetryJob {
  JobId job;
};
struct PlayJob {
  JobId job;
};

// Time has passed: Scheduler::NextDeadline() has come.
struct Tick {};

using Event =
    std::variant<PipelineAdded, AgentAdded, AgentRemoved, AgentConnected, AgentDisconnected,
                 AgentDrainChanged, OffersPaused, JobAccepted, JobDeclined, JobUnofferable, JobStarted,
                 JobFinished, CancelPipeline, CancelJob, RetryPipeline, RetryJob, PlayJob, Tick>;

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_EVENT_H_
