#ifndef GRANGE_TESTS_FUZZ_AGENTS_ONLY_STORE_H_
#define GRANGE_TESTS_FUZZ_AGENTS_ONLY_STORE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/store.h"

namespace grange::store {

// A store that knows agents and their session counters, in memory: what the agents' door needs.
// Whatever else it is asked for is kUnimplemented. For one caller at a time.
class AgentsOnlyStore final : public Store {
 public:
  void Add(AgentRow agent) {
    const AgentId id = agent.id;
    agents_[id] = std::move(agent);
  }
  uint64_t counter(AgentId agent) const {
    const auto found = counters_.find(agent);
    return found == counters_.end() ? 0 : found->second;
  }
  int alarms() const { return alarms_; }

  absl::StatusOr<AgentRow> FindAgentByCredential(absl::string_view hash) override {
    for (const auto& [id, agent] : agents_) {
      if (agent.credential_hash == hash) return agent;
    }
    return absl::NotFoundError("no agent has this credential");
  }
  absl::Status AdvanceSessionCounter(AgentId id, uint64_t counter, absl::Time,
                                     absl::string_view) override {
    uint64_t& highest = counters_[id];
    if (counter <= highest) return absl::FailedPreconditionError("not higher");
    highest = counter;
    return absl::OkStatus();
  }
  absl::Status SetAgentAlarm(AgentId, absl::string_view, absl::string_view, absl::Time) override {
    ++alarms_;
    return absl::OkStatus();
  }

  // --- the rest
  absl::StatusOr<retention::Stock> RetentionStock() override { return Unused(); }
  absl::StatusOr<RemovedPipelines> RemovePipelines(const std::vector<PipelineRemoval>&, absl::Time,
                                                   int) override {
    return Unused();
  }
  absl::StatusOr<std::vector<PipelineRemoval>> HalfRemovedPipelines() override { return Unused(); }
  absl::StatusOr<UnwantedFiles> MarkTracesRemoved(const std::vector<TraceKey>&, const std::string&,
                                                  absl::Time) override {
    return Unused();
  }
  absl::StatusOr<UnwantedFiles> MarkArtifactsRemoved(const std::vector<std::string>&,
                                                     const std::string&, absl::Time) override {
    return Unused();
  }
  absl::StatusOr<bool> ContentInUse(const std::string&) override { return Unused(); }
  absl::StatusOr<TracesKept> TracesOf(JobId, JobId) override { return Unused(); }
  absl::Status PutTraceSizes(const std::vector<TraceSize>&) override { return Unused(); }
  absl::StatusOr<UsageRow> AuditBefore(absl::Time) override { return Unused(); }
  absl::StatusOr<uint64_t> RemoveAudit(absl::Time, uint64_t, int) override { return Unused(); }
  absl::StatusOr<uint64_t> RemoveRequestKeys(int) override { return Unused(); }
  absl::StatusOr<std::vector<UsageRow>> ReadUsage() override { return Unused(); }
  absl::Status PutSwept(const std::vector<UsageRow>&) override { return Unused(); }
  absl::StatusOr<DatabaseSize> ReadDatabaseSize() override { return Unused(); }
  absl::Status Commit(const std::vector<Write>&) override { return Unused(); }
  absl::StatusOr<std::optional<std::string>> FindAnswer(absl::string_view) override {
    return Unused();
  }
  absl::Status PutAnswer(absl::string_view, absl::string_view) override { return Unused(); }
  absl::StatusOr<Project> FindOrMakeProject(absl::string_view,
                                            const std::map<std::string, std::string>&) override {
    return Unused();
  }
  absl::StatusOr<Project> FindProject(absl::string_view) override { return Unused(); }
  absl::StatusOr<Project> GetProject(ProjectId) override { return Unused(); }
  absl::StatusOr<std::vector<Project>> ListProjects() override { return Unused(); }
  absl::Status SetProjectSetting(ProjectId, absl::string_view, absl::string_view,
                                 const Answer&) override {
    return Unused();
  }
  absl::Status SetVariable(ProjectId, const ProjectVariable&, const Answer&) override {
    return Unused();
  }
  absl::Status RemoveVariable(ProjectId, absl::string_view, const Answer&) override {
    return Unused();
  }
  absl::StatusOr<std::vector<ProjectVariable>> ListVariables(ProjectId) override {
    return Unused();
  }
  absl::Status CreatePipeline(PipelineRow&, std::vector<JobRow>&, absl::string_view,
                              std::optional<std::string>*, const Actor&) override {
    return Unused();
  }
  absl::StatusOr<PipelineRow> GetPipeline(PipelineId) override { return Unused(); }
  absl::Status PinPipeline(PipelineId, bool, const Answer&) override { return Unused(); }
  absl::StatusOr<std::vector<PipelineRow>> ListPipelines(ProjectId, int, PipelineId) override {
    return Unused();
  }
  absl::StatusOr<std::string> CommitBefore(ProjectId, absl::string_view,
                                           absl::string_view) override {
    return Unused();
  }
  absl::StatusOr<std::vector<PipelineId>> UnfinishedPipelines() override { return Unused(); }
  absl::StatusOr<std::vector<JobRow>> JobsOf(PipelineId) override { return Unused(); }
  absl::StatusOr<std::vector<JobRow>> ListJobs(ProjectId, int) override { return Unused(); }
  absl::StatusOr<JobRow> GetJob(JobId) override { return Unused(); }
  absl::StatusOr<std::vector<AttemptRow>> AttemptsOf(JobId) override { return Unused(); }
  absl::StatusOr<AttemptRow> GetAttempt(JobId, AttemptNumber) override { return Unused(); }
  absl::StatusOr<std::vector<AttemptRow>> OpenAttempts() override { return Unused(); }
  absl::Status PutArtifact(const ArtifactRow&) override { return Unused(); }
  absl::StatusOr<ArtifactRow> GetArtifact(absl::string_view) override { return Unused(); }
  absl::StatusOr<std::set<std::string>> CommitsOf(ProjectId) override { return Unused(); }
  absl::StatusOr<std::vector<ArtifactRow>> ArtifactsOf(PipelineId) override { return Unused(); }
  absl::StatusOr<std::vector<ArtifactRow>> ArtifactsOfJob(JobId) override { return Unused(); }
  absl::Status RegisterAgent(absl::string_view, absl::string_view, absl::Time, AgentRow&,
                             absl::string_view) override {
    return Unused();
  }
  absl::StatusOr<AgentRow> GetAgent(AgentId) override { return Unused(); }
  absl::StatusOr<std::vector<AgentRow>> ListAgents() override { return Unused(); }
  absl::Status SetAgentDraining(AgentId, bool, absl::Time) override { return Unused(); }
  absl::Status SetAgentRevoked(AgentId) override { return Unused(); }
  absl::Status ResetAgent(AgentId, const Answer&) override { return Unused(); }
  absl::Status RemoveAgent(AgentId, const Answer&) override { return Unused(); }
  absl::Status CreateToken(TokenRow&, absl::string_view, const Actor&) override { return Unused(); }
  absl::StatusOr<TokenRow> FindToken(absl::string_view) override { return Unused(); }
  absl::StatusOr<std::vector<TokenRow>> ListTokens() override { return Unused(); }
  absl::Status RevokeToken(TokenId, const Answer&) override { return Unused(); }
  absl::Status PutAudit(const Actor&, absl::string_view) override { return Unused(); }
  absl::StatusOr<std::vector<AuditRow>> ListAudit(int, int64_t, absl::string_view) override {
    return Unused();
  }
  absl::StatusOr<Fence> HighestFence() override { return Unused(); }

 private:
  static absl::Status Unused() { return absl::UnimplementedError("not of this store"); }

  std::map<AgentId, AgentRow> agents_;
  std::map<AgentId, uint64_t> counters_;
  int alarms_ = 0;
};

}  // namespace grange::store

#endif  // GRANGE_TESTS_FUZZ_AGENTS_ONLY_STORE_H_
