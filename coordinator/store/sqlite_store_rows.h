#ifndef GRANGE_COORDINATOR_STORE_SQLITE_STORE_ROWS_H_
#define GRANGE_COORDINATOR_STORE_SQLITE_STORE_ROWS_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/store/checkpointer.h"
#include "coordinator/store/connection.h"
#include "coordinator/store/sealer.h"
#include "coordinator/store/store.h"

// The inside of sqlite_store.h, for the files that each know one kind of row.
namespace grange::store {

// The answer of an earlier call with this key, if it is not older than 24 hours; to be called in
// the transaction that does the call's work.
absl::StatusOr<std::optional<std::string>> FindAnswerIn(Connection& connection,
                                                        absl::string_view request_key,
                                                        absl::Time now);
// Stores an answer and drops those that are too old. An empty key stores nothing.
absl::Status PutAnswerIn(Connection& connection, absl::string_view request_key,
                         absl::string_view answer, absl::Time now);
// An entry of the audit log; none if there is no user.
absl::Status PutAuditIn(Connection& connection, const Actor& actor, absl::string_view text,
                        absl::Time now);
// When and by which limit retention removed it; kNotFound with `otherwise` if it didn't.
absl::Status RemovedPipeline(Connection& connection, PipelineId id, std::string otherwise);
absl::Status RemovedJob(Connection& connection, JobId id, std::string otherwise);
// Both.
absl::Status PutAnswerIn(Connection& connection, const Answer& answer, absl::Time now);

// The column `cancel_wanted`: 0 for no, 1 for yes, and this for "by force".
inline constexpr int64_t kCancelByForce = 2;
inline int64_t CancelWanted(const schedule::StoreJob& job) {
  if (!job.cancel_wanted) return 0;
  return job.cancel_by_force ? kCancelByForce : 1;
}

class SqliteStore final : public Store {
 public:
  struct Parts {
    os::LockFile lock;
    std::unique_ptr<Sealer> sealer;
    std::unique_ptr<Connection> writer;
    std::unique_ptr<Checkpointer> checkpointer;
  };
  SqliteStore(std::string path, const Clock& clock, Parts parts);
  ~SqliteStore() override;

  absl::Status Commit(const std::vector<Write>& writes) override;
  absl::StatusOr<std::optional<std::string>> FindAnswer(absl::string_view request_key) override;
  absl::Status PutAnswer(absl::string_view request_key, absl::string_view answer) override;

  absl::StatusOr<Project> FindOrMakeProject(
      absl::string_view name, const std::map<std::string, std::string>& settings) override;
  absl::StatusOr<Project> FindProject(absl::string_view name) override;
  absl::StatusOr<Project> GetProject(ProjectId id) override;
  absl::StatusOr<std::vector<Project>> ListProjects() override;
  absl::Status SetProjectSetting(ProjectId id, absl::string_view key, absl::string_view value,
                                 const Answer& answer) override;
  absl::Status SetVariable(ProjectId id, const ProjectVariable& variable,
                           const Answer& answer) override;
  absl::Status RemoveVariable(ProjectId id, absl::string_view name, const Answer& answer) override;
  absl::StatusOr<std::vector<ProjectVariable>> ListVariables(ProjectId id) override;

  absl::Status CreatePipeline(PipelineRow& pipeline, std::vector<JobRow>& jobs,
                              absl::string_view request_key,
                              std::optional<std::string>* earlier_answer,
                              const Actor& actor) override;
  absl::StatusOr<PipelineRow> GetPipeline(PipelineId id) override;
  absl::Status PinPipeline(PipelineId id, bool pinned, const Answer& answer) override;
  absl::StatusOr<std::string> CommitBefore(ProjectId project, absl::string_view branch,
                                           absl::string_view sha) override;
  absl::StatusOr<std::vector<PipelineRow>> ListPipelines(ProjectId project, int limit,
                                                         PipelineId before) override;
  absl::StatusOr<std::vector<PipelineId>> UnfinishedPipelines() override;
  absl::StatusOr<std::vector<JobRow>> JobsOf(PipelineId id) override;
  absl::StatusOr<std::vector<JobRow>> ListJobs(ProjectId project, int limit) override;
  absl::StatusOr<JobRow> GetJob(JobId id) override;
  absl::StatusOr<std::vector<AttemptRow>> AttemptsOf(JobId id) override;
  absl::StatusOr<AttemptRow> GetAttempt(JobId id, AttemptNumber attempt) override;
  absl::StatusOr<std::vector<AttemptRow>> OpenAttempts() override;

  absl::Status PutArtifact(const ArtifactRow& artifact) override;
  absl::StatusOr<ArtifactRow> GetArtifact(absl::string_view id) override;
  absl::StatusOr<std::vector<ArtifactRow>> ArtifactsOf(PipelineId id) override;
  absl::StatusOr<std::vector<ArtifactRow>> ArtifactsOfJob(JobId id) override;

  absl::Status RegisterAgent(absl::string_view token_hash, absl::string_view request_key,
                             absl::Time now, AgentRow& agent, absl::string_view peer) override;
  absl::StatusOr<AgentRow> FindAgentByCredential(absl::string_view hash) override;
  absl::StatusOr<AgentRow> GetAgent(AgentId id) override;
  absl::StatusOr<std::vector<AgentRow>> ListAgents() override;
  absl::Status AdvanceSessionCounter(AgentId id, uint64_t counter, absl::Time now,
                                     absl::string_view version) override;
  absl::Status SetAgentDraining(AgentId id, bool draining, absl::Time until) override;
  absl::Status SetAgentAlarm(AgentId id, absl::string_view alarm, absl::string_view from,
                             absl::Time now) override;
  absl::Status SetAgentRevoked(AgentId id) override;
  absl::Status ResetAgent(AgentId id, const Answer& answer) override;
  absl::Status RemoveAgent(AgentId id, const Answer& answer) override;

  absl::Status CreateToken(TokenRow& token, absl::string_view request_key,
                           const Actor& actor) override;
  absl::StatusOr<TokenRow> FindToken(absl::string_view hash) override;
  absl::StatusOr<std::vector<TokenRow>> ListTokens() override;
  absl::Status RevokeToken(TokenId id, const Answer& answer) override;
  absl::Status PutAudit(const Actor& actor, absl::string_view text) override;
  absl::StatusOr<std::vector<AuditRow>> ListAudit(int limit, int64_t before,
                                                  absl::string_view user) override;
  absl::StatusOr<Fence> HighestFence() override;

  absl::StatusOr<retention::Stock> RetentionStock() override;
  absl::StatusOr<RemovedPipelines> RemovePipelines(const std::vector<PipelineRemoval>& removals,
                                                   absl::Time at, int jobs_max) override;
  absl::StatusOr<std::vector<PipelineRemoval>> HalfRemovedPipelines() override;
  absl::StatusOr<UnwantedFiles> MarkTracesRemoved(const std::vector<TraceKey>& traces,
                                                  const std::string& limit, absl::Time at) override;
  absl::StatusOr<UnwantedFiles> MarkArtifactsRemoved(const std::vector<std::string>& ids,
                                                     const std::string& limit,
                                                     absl::Time at) override;
  absl::StatusOr<std::set<std::string>> CommitsOf(ProjectId project) override;
  absl::StatusOr<bool> ContentInUse(const std::string& sha256) override;
  absl::StatusOr<TracesKept> TracesOf(JobId first, JobId last) override;
  absl::Status PutTraceSizes(const std::vector<TraceSize>& sizes) override;
  absl::StatusOr<UsageRow> AuditBefore(absl::Time before) override;
  absl::StatusOr<uint64_t> RemoveAudit(absl::Time before, uint64_t bytes_max,
                                       int rows_max) override;
  absl::StatusOr<uint64_t> RemoveRequestKeys(int rows_max) override;
  absl::StatusOr<std::vector<UsageRow>> ReadUsage() override;
  absl::Status PutSwept(const std::vector<UsageRow>& rows) override;
  absl::StatusOr<DatabaseSize> ReadDatabaseSize() override;

 private:
  // A read-only connection for one call; goes back to the idle ones.
  class Reader {
   public:
    Reader(SqliteStore& store, std::unique_ptr<Connection> connection)
        : store_(&store), connection_(std::move(connection)) {}
    Reader(Reader&& other) noexcept = default;
    Reader& operator=(Reader&&) = delete;
    ~Reader();
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    SqliteStore* store_;
    std::unique_ptr<Connection> connection_;
  };
  absl::StatusOr<Reader> Read() ABSL_LOCKS_EXCLUDED(read_mu_);

  // Runs `body` in one transaction of the writing connection and commits it.
  absl::Status InTransaction(absl::FunctionRef<absl::Status(Connection&)> body)
      ABSL_LOCKS_EXCLUDED(write_mu_);
  // One statement that must change at least one row; else kNotFound: "there is no <what>".
  absl::Status ChangeOne(absl::FunctionRef<absl::Status(Connection&)> statement,
                         absl::string_view what, const Answer& answer = {})
      ABSL_LOCKS_EXCLUDED(write_mu_);

  const std::string path_;
  const Clock& clock_;
  Parts parts_;
  // Held over a whole transaction, sync included: it is what serializes writes, nothing else is
  // behind it, and readers do not take it.
  base::Mutex write_mu_;
  base::Mutex read_mu_;
  std::vector<std::unique_ptr<Connection>> idle_readers_ ABSL_GUARDED_BY(read_mu_);
};

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_SQLITE_STORE_ROWS_H_
