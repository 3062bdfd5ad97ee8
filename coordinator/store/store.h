#ifndef GRANGE_COORDINATOR_STORE_STORE_H_
#define GRANGE_COORDINATOR_STORE_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/id.h"
#include "common/base/secret.h"
#include "coordinator/lifecycle/failure_reason.h"
#include "coordinator/lifecycle/job_state.h"
#include "coordinator/lifecycle/pipeline_state.h"
#include "coordinator/schedule/decision.h"
#include "coordinator/store/retention_store.h"

// The durable state of a coordinator, in the words of the domain. Nothing here knows SQLite or a
// local file, so that another database can stand behind the same interface.
namespace grange::store {

struct Project {
  ProjectId id;
  std::string name;
  std::map<std::string, std::string> settings;  // "coverage-regex", "default-branch", …
};

struct ProjectVariable {
  std::string name;
  Secret value;
  bool masked = false;
  bool file = false;
};

struct Commit {
  std::string sha;
  std::string title, message, author, author_email;
  absl::Time authored_at = absl::InfinitePast();
};

struct PipelineRow {
  PipelineId id;
  ProjectId project;
  std::string project_name;  // read only
  Commit commit;
  std::string ref_name;
  bool is_tag = false;
  std::string source;  // CI_PIPELINE_SOURCE
  std::string before_sha;
  std::string name;
  std::vector<std::string> stages;
  std::vector<std::pair<std::string, std::string>> variables;  // of the submit; win over all
  std::vector<std::string> errors;  // of the configuration: state is kFailed, no jobs
  std::vector<std::string> warnings;
  lifecycle::PipelineState state = lifecycle::PipelineState::kCreated;
  absl::Time created_at = absl::InfinitePast();
  absl::Time started_at = absl::InfinitePast();
  absl::Time finished_at = absl::InfinitePast();
  std::string failure;
  std::optional<double> coverage;  // mean of its jobs'; read only
  bool pinned = false;             // retention never removes it; read only
};

struct JobRow {
  JobId id;
  PipelineId pipeline;
  int index = 0;  // in file order
  std::string name, stage;
  int stage_index = 0;
  std::string plan_json;           // pipeline::JobToJson
  // Of its artifacts; infinite: they never expire; none: the project's setting. Write only.
  std::optional<absl::Duration> expire_in = std::nullopt;
  schedule::StoreJob progress;     // what the scheduler last decided
  std::optional<double> coverage;  // of the newest attempt
  uint64_t trace_bytes = 0;        // durable, of the newest attempt
  uint64_t dropped_bytes = 0;
  absl::Time created_at = absl::InfinitePast();
  std::string agent_name;  // read only
  // Of the newest attempt, as its agent has told it.
  std::string attempt_detail;
  absl::Duration cpu = absl::ZeroDuration();
  uint64_t max_rss_bytes = 0;
};

struct AttemptRow {
  JobId job;
  AttemptNumber number = 0;
  Fence fence{};
  AgentId agent;
  std::string agent_name;  // read only
  lifecycle::JobState state = lifecycle::JobState::kRunning;
  lifecycle::FailureReason reason = lifecycle::FailureReason::kNone;
  int exit_code = 0;
  absl::Time started_at = absl::InfinitePast();
  absl::Time finished_at = absl::InfinitePast();
  uint64_t trace_bytes = 0;  // durable
  uint64_t dropped_bytes = 0;
  std::string trace_sha256;  // of the finished trace, 32 bytes; "" before
  bool trace_damaged = false;
  bool trace_complete = false;
  std::string detail;
  std::optional<double> coverage;
  std::string artifact_id;
  absl::Duration cpu = absl::ZeroDuration();  // of all its processes
  uint64_t max_rss_bytes = 0;                 // of the largest one
  absl::Time trace_removed_at = absl::InfinitePast();  // by retention; InfinitePast: it is there
  std::string trace_removed_by;                        // "keep-traces 90 days"
};

struct ArtifactRow {
  std::string id;
  JobId job;
  AttemptNumber attempt = 0;
  std::string name;
  uint64_t size = 0;
  std::string sha256;  // 32 bytes
  absl::Time created_at = absl::InfinitePast();
  // By its job's expire_in, InfiniteFuture: never; none: by the project's setting. Read only.
  std::optional<absl::Time> expires_at = std::nullopt;
  absl::Time removed_at = absl::InfinitePast();  // by retention; InfinitePast: it is there
  std::string removed_by = {};                   // "expire_in"

  bool removed() const { return removed_at != absl::InfinitePast(); }
};

struct AgentRow {
  AgentId id;
  std::string name;
  std::vector<std::string> tags;
  bool run_untagged = true;
  int slots = 1;
  ProjectId project;             // set: limited to it
  std::string credential_hash;   // SHA-256, 32 bytes
  uint64_t session_counter = 0;  // highest seen
  bool draining = false;
  absl::Time drain_until = absl::InfiniteFuture();  // with the former: what runs then is stopped
  bool revoked = false;
  std::string version;
  absl::Time registered_at = absl::InfinitePast();
  absl::Time last_contact = absl::InfinitePast();
  // Somebody else has tried to use its credential, or an older copy of its state directory: what
  // it was, since when, and from which address the last time. "": nobody has.
  std::string alarm;
  absl::Time alarm_since = absl::InfinitePast();
  std::string alarm_from;
};

struct TokenRow {
  enum class Kind { kRegistration, kUser };
  TokenId id;
  Kind kind = Kind::kRegistration;
  std::string hash;          // SHA-256, 32 bytes
  std::string user, role;    // kUser
  ProjectId project;         // kRegistration: limit, or unset
  std::string project_name;  // read only
  std::vector<std::string> tags;
  // kRegistration: text::AddressRange, who may use it; none: everybody.
  std::vector<std::string> from;
  int uses_left = 0;
  int used = 0;
  absl::Time created_at = absl::InfinitePast();
  absl::Time expires_at = absl::InfiniteFuture();
  bool revoked = false;
};

// Writes that go into one transaction. The scheduler's rows are taken as they are.
struct PutTraceLength {  // bytes before `durable` are on disk
  JobId job;
  AttemptNumber attempt = 0;
  uint64_t durable = 0;
};
struct PutTraceEnd {  // with the final state of an attempt
  JobId job;
  AttemptNumber attempt = 0;
  uint64_t trace_bytes = 0;
  uint64_t dropped_bytes = 0;
  std::string sha256;
  bool damaged = false;
  uint64_t marks_bytes = 0;  // on the disk beside it
  std::optional<double> coverage;
  std::string detail;
  std::string artifact_id;
  absl::Duration cpu = absl::ZeroDuration();
  uint64_t max_rss_bytes = 0;
};
// Who makes a change: for the audit log.
struct Actor {
  std::string user;  // "": nobody to be noted
  TokenId token;     // that the call came with
  std::string peer;  // the address from which it came
  std::string call;  // "retry-job"
};
// What a changing call was answered: kept under its request key, if it has one, and written into
// the audit log, if there is somebody to be noted.
struct Answer {
  std::string key;
  std::string text;
  Actor actor = {};

  Answer WithText(std::string said) const { return {key, std::move(said), actor}; }
};
// An entry of the audit log.
struct AuditRow {
  int64_t id = 0;
  absl::Time at = absl::InfinitePast();
  Actor actor;
  std::string text;  // what was done: "job 5 runs again"
};
struct PutTraceStored {  // of a complete trace: bytes on the disk
  JobId job;
  AttemptNumber attempt = 0;
  uint64_t stored = 0;
};
struct PutLastContact {
  AgentId agent;
  absl::Time at = absl::InfinitePast();
};
using Write = std::variant<schedule::StoreJob, schedule::StorePipeline, schedule::StoreFence,
                           PutTraceLength, PutTraceEnd, PutTraceStored, PutLastContact, Answer>;

// Thread-safe. Writes are serialized; reads see everything that was committed before they began
// and never wait for a writer. Errors: kNotFound and kAlreadyExists as named; kResourceExhausted
// when the disk is full (nothing was changed; it works again when there is space); kDataLoss when
// the database is damaged; kUnavailable for other failures of the disk.
class Store : public RetentionStore {
 public:

  // All of it in one durable transaction, or nothing. An attempt's row comes into being with the
  // first StoreJob that names it in phase kGranted or later.
  virtual absl::Status Commit(const std::vector<Write>& writes) = 0;

  // Request keys: the answer that a changing call gave is kept for 24 hours. It is stored in the
  // transaction that makes the call's change durable (Commit(), or an `answer` below), so that
  // there is never one without the other, and a call that is repeated changes nothing again. A
  // key has at most 512 bytes.
  virtual absl::StatusOr<std::optional<std::string>> FindAnswer(absl::string_view request_key) = 0;
  // For a call that changes nothing else.
  virtual absl::Status PutAnswer(absl::string_view request_key, absl::string_view answer) = 0;

  // --- projects and their variables
  // Makes it with `settings` if there is none of that name.
  virtual absl::StatusOr<Project> FindOrMakeProject(
      absl::string_view name, const std::map<std::string, std::string>& settings) = 0;
  virtual absl::StatusOr<Project> FindProject(absl::string_view name) = 0;
  virtual absl::StatusOr<Project> GetProject(ProjectId id) = 0;
  virtual absl::StatusOr<std::vector<Project>> ListProjects() = 0;
  virtual absl::Status SetProjectSetting(ProjectId id, absl::string_view key,
                                         absl::string_view value,  // "" removes it
                                         const Answer& answer = {}) = 0;
  virtual absl::Status SetVariable(ProjectId id, const ProjectVariable& variable,
                                   const Answer& answer = {}) = 0;
  virtual absl::Status RemoveVariable(ProjectId id, absl::string_view name,
                                      const Answer& answer = {}) = 0;
  virtual absl::StatusOr<std::vector<ProjectVariable>> ListVariables(ProjectId id) = 0;

  // --- pipelines
  // One transaction: pipeline, jobs (ids are given here and written into the arguments) and, if
  // `request_key` is not empty, the pipeline's id in decimal as the key's answer. If the key was
  // used, its answer is in `*earlier_answer` and nothing is made.
  virtual absl::Status CreatePipeline(PipelineRow& pipeline, std::vector<JobRow>& jobs,
                                      absl::string_view request_key,
                                      std::optional<std::string>* earlier_answer,
                                      const Actor& actor = {}) = 0;
  // kNotFound, also for a job below; of one that retention removed the text says when and why.
  virtual absl::StatusOr<PipelineRow> GetPipeline(PipelineId id) = 0;
  virtual absl::Status PinPipeline(PipelineId id, bool pinned, const Answer& answer = {}) = 0;
  // Newest first. `project` unset: all. `before` unset: from the newest.
  virtual absl::StatusOr<std::vector<PipelineRow>> ListPipelines(ProjectId project, int limit,
                                                                 PipelineId before) = 0;
  // The commit that this branch was at before `sha`, by the branch's newest pipeline that is either
  // of another commit, then that one, or a push of this one, then its `before_sha`; "" if none is.
  virtual absl::StatusOr<std::string> CommitBefore(ProjectId project, absl::string_view branch,
                                                   absl::string_view sha) = 0;
  virtual absl::StatusOr<std::vector<PipelineId>> UnfinishedPipelines() = 0;
  virtual absl::StatusOr<std::vector<JobRow>> JobsOf(PipelineId id) = 0;  // in file order
  virtual absl::StatusOr<std::vector<JobRow>> ListJobs(ProjectId project,
                                                       int limit) = 0;  // newest first
  virtual absl::StatusOr<JobRow> GetJob(JobId id) = 0;
  virtual absl::StatusOr<std::vector<AttemptRow>> AttemptsOf(JobId id) = 0;  // oldest first
  virtual absl::StatusOr<AttemptRow> GetAttempt(JobId id, AttemptNumber attempt) = 0;
  // Attempts whose trace is not complete.
  virtual absl::StatusOr<std::vector<AttemptRow>> OpenAttempts() = 0;

  // --- artifacts
  virtual absl::Status PutArtifact(const ArtifactRow& artifact) = 0;
  virtual absl::StatusOr<ArtifactRow> GetArtifact(absl::string_view id) = 0;
  // Of the newest attempt of each of the pipeline's jobs that has one; removed ones too.
  virtual absl::StatusOr<std::vector<ArtifactRow>> ArtifactsOf(PipelineId id) = 0;
  // Of all attempts of a job, oldest first; removed ones too.
  virtual absl::StatusOr<std::vector<ArtifactRow>> ArtifactsOfJob(JobId id) = 0;

  // --- agents and tokens
  // One transaction: takes one use of the registration token with this hash and makes the agent
  // (id is written into it). kNotFound, kPermissionDenied (expired, revoked, used up, or `peer` is
  // none of the addresses that may use it; the text says which; or a tag that the token does not
  // allow), kAlreadyExists (name in use). The token's project and, if the agent names none, its
  // tags go to the agent. The same request key and token again give the same agent, with the new
  // credential hash.
  // `peer` is the caller's address with its port. Each use of a token that is known stands in the
  // audit log, also one that kPermissionDenied refuses, which takes no use.
  virtual absl::Status RegisterAgent(absl::string_view token_hash, absl::string_view request_key,
                                     absl::Time now, AgentRow& agent,
                                     absl::string_view peer = "") = 0;
  virtual absl::StatusOr<AgentRow> FindAgentByCredential(absl::string_view hash) = 0;
  virtual absl::StatusOr<AgentRow> GetAgent(AgentId id) = 0;
  virtual absl::StatusOr<std::vector<AgentRow>> ListAgents() = 0;
  // kFailedPrecondition if `counter` is not higher than the stored one; else it is stored.
  virtual absl::Status AdvanceSessionCounter(AgentId id, uint64_t counter, absl::Time now,
                                             absl::string_view version) = 0;
  virtual absl::Status SetAgentDraining(AgentId id, bool draining,
                                        absl::Time until = absl::InfiniteFuture()) = 0;
  // The alarm's time stands until it is taken back by ResetAgent() or SetAgentRevoked().
  virtual absl::Status SetAgentAlarm(AgentId id, absl::string_view alarm, absl::string_view from,
                                     absl::Time now) = 0;
  virtual absl::Status SetAgentRevoked(AgentId id) = 0;
  virtual absl::Status ResetAgent(AgentId id,
                                  const Answer& answer = {}) = 0;  // session counter to 0
  virtual absl::Status RemoveAgent(
      AgentId id, const Answer& answer = {}) = 0;  // kFailedPrecondition while it has jobs

  // The same request key again gives the token that it made (its id), with the new hash.
  virtual absl::Status CreateToken(TokenRow& token, absl::string_view request_key,
                                   const Actor& actor = {}) = 0;
  virtual absl::StatusOr<TokenRow> FindToken(absl::string_view hash) = 0;
  virtual absl::StatusOr<std::vector<TokenRow>> ListTokens() = 0;
  virtual absl::Status RevokeToken(TokenId id, const Answer& answer = {}) = 0;

  // --- the audit log: every change that a person made, in the transaction of the change
  // For a change that is none of the database.
  virtual absl::Status PutAudit(const Actor& actor, absl::string_view text) = 0;
  // Newest first, those before `before` if it isn't 0; of one user if `user` isn't "".
  virtual absl::StatusOr<std::vector<AuditRow>> ListAudit(int limit, int64_t before,
                                                          absl::string_view user) = 0;

  // The highest fence ever given.
  virtual absl::StatusOr<Fence> HighestFence() = 0;
};

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_STORE_H_
