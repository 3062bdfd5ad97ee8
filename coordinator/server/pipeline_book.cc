#include "coordinator/server/pipeline_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/pipeline/graph_json.h"
#include "coordinator/server/job_features.h"

namespace grange::server {

absl::StatusOr<std::shared_ptr<const PipelineFacts>> PipelineBook::Get(PipelineId pipeline) {
  {
    base::MutexLock lock(mu_);
    const auto found = facts_.find(pipeline);
    if (found != facts_.end()) return found->second;
  }
  GRANGE_ASSIGN_OR_RETURN(const store::PipelineRow row, store_.GetPipeline(pipeline));
  GRANGE_ASSIGN_OR_RETURN(const store::Project project, store_.GetProject(row.project));
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::JobRow> jobs, store_.JobsOf(pipeline));
  GRANGE_ASSIGN_OR_RETURN(PipelineFacts facts, FactsOf(row, project, jobs));
  return Keep(std::move(facts));
}

void PipelineBook::Put(PipelineFacts facts) { Keep(std::move(facts)); }

std::shared_ptr<const PipelineFacts> PipelineBook::Keep(PipelineFacts facts) {
  auto shared = std::make_shared<const PipelineFacts>(std::move(facts));
  base::MutexLock lock(mu_);
  for (const auto& [job, plan] : shared->plans) by_job_[job] = shared->row.id;
  facts_[shared->row.id] = shared;
  return shared;
}

absl::StatusOr<std::shared_ptr<const PipelineFacts>> PipelineBook::GetByJob(JobId job) {
  PipelineId pipeline;
  {
    base::MutexLock lock(mu_);
    const auto found = by_job_.find(job);
    if (found != by_job_.end()) pipeline = found->second;
  }
  if (!pipeline.is_set()) {
    GRANGE_ASSIGN_OR_RETURN(const store::JobRow row, store_.GetJob(job));
    pipeline = row.pipeline;
  }
  return Get(pipeline);
}

void PipelineBook::Forget(PipelineId pipeline) {
  base::MutexLock lock(mu_);
  const auto found = facts_.find(pipeline);
  if (found == facts_.end()) return;
  for (const auto& [job, plan] : found->second->plans) by_job_.erase(job);
  facts_.erase(found);
}

absl::StatusOr<PipelineFacts> FactsOf(const store::PipelineRow& row, const store::Project& project,
                                      const std::vector<store::JobRow>& jobs) {
  PipelineFacts facts{.row = row, .project = project, .plans = {}};
  for (const store::JobRow& job : jobs) {
    GRANGE_ASSIGN_OR_RETURN(facts.plans[job.id], pipeline::JobFromJson(job.plan_json));
  }
  return facts;
}

schedule::PipelineAdded ToEvent(const PipelineFacts& facts, const std::vector<store::JobRow>& jobs,
                                const std::vector<store::ProjectVariable>& variables) {
  const store::PipelineRow& row = facts.row;
  schedule::PipelineAdded event{.id = row.id,
                                .project = row.project,
                                .project_name = facts.project.name,
                                .stages = row.stages,
                                .jobs = {},
                                .state = row.state,
                                .started_at = row.started_at};
  std::map<std::string, JobId> by_name;
  for (const store::JobRow& job : jobs) by_name[job.name] = job.id;
  for (const store::JobRow& job : jobs) {
    const pipeline::JobPlan& plan = facts.plans.at(job.id);
    schedule::JobNode node;
    node.id = job.id;
    node.name = job.name;
    node.stage = job.stage_index;
    node.when = plan.when;
    node.allow_failure = {.always = plan.allow_failure.always,
                          .exit_codes = plan.allow_failure.exit_codes};
    node.has_needs = plan.needs.has_value();
    if (plan.needs.has_value()) {
      for (const pipeline::Need& need : *plan.needs) {
        const auto found = by_name.find(need.job);
        if (found != by_name.end()) node.needs.push_back({found->second, need.optional});
      }
    }
    node.tags = plan.tags;
    node.features = NeededFeatures(plan, row, facts.project, variables);
    node.retry = plan.retry;
    node.start_in = plan.start_in;
    node.interruptible = plan.interruptible;
    node.stop_on_disconnect = StopsOnDisconnect(plan, facts.project.settings);
    const schedule::StoreJob& progress = job.progress;
    node.state = progress.state;
    node.attempt = progress.attempt;
    node.automatic_retries = progress.automatic_retries;
    node.phase = progress.phase;
    node.fence = progress.fence;
    node.agent = progress.agent;
    node.reason = progress.reason;
    node.exit_code = progress.exit_code;
    node.cancel_wanted = progress.cancel_wanted;
    node.cancel_by_force = progress.cancel_by_force;
    node.played = progress.played;
    node.queued_at = progress.queued_at;
    node.play_at = progress.play_at;
    node.started_at = progress.started_at;
    node.finished_at = progress.finished_at;
    event.jobs.push_back(std::move(node));
  }
  return event;
}

bool StopsOnDisconnect(const pipeline::JobPlan& plan,
                       const std::map<std::string, std::string>& settings) {
  for (auto variable = plan.variables.rbegin(); variable != plan.variables.rend(); ++variable) {
    if (variable->name == "GRANGE_ON_DISCONNECT") return variable->value == "stop";
  }
  const auto setting = settings.find("on-disconnect");
  return setting != settings.end() && setting->second == "stop";
}

}  // namespace grange::server
