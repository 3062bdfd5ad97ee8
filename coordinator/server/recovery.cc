#include "coordinator/server/recovery.h"

#include "common/base/status_macros.h"
#include "coordinator/server/pipeline_book.h"

namespace grange::server {

absl::StatusOr<std::vector<schedule::Event>> RecoverEvents(store::Store& store) {
  std::vector<schedule::Event> events;
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::AgentRow> agents, store.ListAgents());
  for (const store::AgentRow& agent : agents) {
    events.emplace_back(schedule::AgentAdded{.id = agent.id,
                                             .name = agent.name,
                                             .tags = agent.tags,
                                             .run_untagged = agent.run_untagged,
                                             .slots = agent.slots,
                                             .project = agent.project,
                                             .draining = agent.draining || agent.revoked,
                                             .drain_until = agent.drain_until});
  }
  GRANGE_ASSIGN_OR_RETURN(const std::vector<PipelineId> pipelines, store.UnfinishedPipelines());
  for (const PipelineId id : pipelines) {
    GRANGE_ASSIGN_OR_RETURN(schedule::PipelineAdded added, RecoverPipeline(store, id));
    events.emplace_back(std::move(added));
  }
  return events;
}

absl::StatusOr<schedule::PipelineAdded> RecoverPipeline(store::Store& store, PipelineId id) {
  GRANGE_ASSIGN_OR_RETURN(const store::PipelineRow row, store.GetPipeline(id));
  GRANGE_ASSIGN_OR_RETURN(const store::Project project, store.GetProject(row.project));
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::JobRow> jobs, store.JobsOf(id));
  GRANGE_ASSIGN_OR_RETURN(const PipelineFacts facts, FactsOf(row, project, jobs));
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::ProjectVariable> variables,
                          store.ListVariables(project.id));
  return ToEvent(facts, jobs, variables);
}

}  // namespace grange::server
