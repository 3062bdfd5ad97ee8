#include "coordinator/server/removed_artifacts.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace grange::server {

std::vector<const store::ArtifactRow*> ArtifactsFor(
    const PipelineFacts& facts, const pipeline::JobPlan& plan,
    const std::vector<store::ArtifactRow>& artifacts) {
  std::vector<const store::ArtifactRow*> rows;
  std::map<JobId, const store::ArtifactRow*> by_job;
  for (const store::ArtifactRow& artifact : artifacts) by_job[artifact.job] = &artifact;
  if (by_job.empty()) return rows;
  std::set<std::string> wanted;
  if (plan.needs.has_value()) {
    for (const pipeline::Need& need : *plan.needs) {
      if (need.artifacts) wanted.insert(need.job);
    }
  } else {
    for (const auto& [id, other] : facts.plans) {
      if (other.stage_index < plan.stage_index) wanted.insert(other.name);
    }
  }
  if (plan.dependencies.has_value()) {
    const std::set<std::string> listed(plan.dependencies->begin(), plan.dependencies->end());
    std::erase_if(wanted, [&](const std::string& name) { return listed.count(name) == 0; });
  }
  std::vector<std::pair<int, JobId>> order;
  for (const auto& [id, other] : facts.plans) {
    if (wanted.count(other.name) > 0) order.emplace_back(other.stage_index, id);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [stage, id] : order) {
    if (const auto found = by_job.find(id); found != by_job.end()) rows.push_back(found->second);
  }
  return rows;
}

absl::Status CheckArtifacts(const PipelineFacts& facts, const pipeline::JobPlan& plan,
                            const std::vector<store::ArtifactRow>& artifacts) {
  for (const store::ArtifactRow* row : ArtifactsFor(facts, plan, artifacts)) {
    if (!row->removed()) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "job '", plan.name, "' needs the artifacts of job '", facts.plans.at(row->job).name,
        "', which retention removed on ",
        absl::FormatTime("%Y-%m-%d", row->removed_at, absl::UTCTimeZone()), " (", row->removed_by,
        "); make them again first: grangectl retry-job ", row->job.value()));
  }
  return absl::OkStatus();
}

absl::Status CheckArtifactsOf(store::Store& store, const schedule::Event& request,
                              const store::PipelineRow& pipeline) {
  const auto* retry = std::get_if<schedule::RetryJob>(&request);
  const auto* play = std::get_if<schedule::PlayJob>(&request);
  const auto* all = std::get_if<schedule::RetryPipeline>(&request);
  if (retry == nullptr && play == nullptr && all == nullptr) return absl::OkStatus();
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::ArtifactRow> artifacts,
                          store.ArtifactsOf(pipeline.id));
  const auto is_removed = [](const store::ArtifactRow& row) { return row.removed(); };
  if (std::none_of(artifacts.begin(), artifacts.end(), is_removed)) return absl::OkStatus();
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::JobRow> jobs, store.JobsOf(pipeline.id));
  GRANGE_ASSIGN_OR_RETURN(const PipelineFacts facts, FactsOf(pipeline, {}, jobs));
  for (const store::JobRow& job : jobs) {
    const bool failed = job.progress.state == lifecycle::JobState::kFailed ||
                        job.progress.state == lifecycle::JobState::kCanceled;
    const bool begins = (retry != nullptr && retry->job == job.id) ||
                        (play != nullptr && play->job == job.id) || (all != nullptr && failed);
    const auto plan = facts.plans.find(job.id);
    if (!begins || plan == facts.plans.end()) continue;
    GRANGE_RETURN_IF_ERROR(CheckArtifacts(facts, plan->second, artifacts));
  }
  return absl::OkStatus();
}

}  // namespace grange::server
