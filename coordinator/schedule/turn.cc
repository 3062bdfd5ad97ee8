#include "coordinator/schedule/turn.h"

#include <iterator>

namespace grange::schedule {
namespace {

StoreJob RowOf(const Job& job) {
  const JobNode& node = job.node;
  return {.id = node.id,
          .pipeline = job.pipeline->id,
          .state = node.state,
          .attempt = node.attempt,
          .automatic_retries = node.automatic_retries,
          .phase = node.phase,
          .fence = node.fence,
          .agent = node.agent,
          .reason = node.reason,
          .exit_code = node.exit_code,
          .cancel_wanted = node.cancel_wanted,
          .cancel_by_force = node.cancel_by_force,
          .played = node.played,
          .allowed_to_fail = job.allowed_to_fail,
          .queued_at = node.queued_at,
          .play_at = node.play_at,
          .started_at = node.started_at,
          .finished_at = node.finished_at,
          .detail = job.detail};
}

}  // namespace

void Turn::Touch(Job& job) {
  Touch(*job.pipeline);
  if (job.row_touched) return;
  job.row_touched = true;
  touched_jobs_.push_back(&job);
}

void Turn::Write(Job& job) {
  if (!job.row_touched) return;
  job.row_touched = false;
  std::erase(touched_jobs_, &job);
  job_rows_.push_back(RowOf(job));
}

void Turn::Touch(Pipeline& pipeline) {
  if (pipeline.touched) return;
  pipeline.touched = true;
  touched_pipelines_.push_back(&pipeline);
}

void Turn::Store(const Pipeline& pipeline, std::string failure) {
  pipeline_rows_.push_back(StorePipeline{.id = pipeline.id,
                                         .state = pipeline.state,
                                         .started_at = pipeline.started_at,
                                         .finished_at = pipeline.finished_at,
                                         .failure = std::move(failure)});
}

std::vector<Decision> Turn::Take() {
  std::vector<Decision> all;
  if (highest_fence_ != Fence{}) all.push_back(schedule::StoreFence{highest_fence_});
  std::ranges::move(job_rows_, std::back_inserter(all));
  for (Job* job : touched_jobs_) {
    job->row_touched = false;
    all.push_back(RowOf(*job));
  }
  std::ranges::move(pipeline_rows_, std::back_inserter(all));
  std::ranges::move(sends_, std::back_inserter(all));
  for (Pipeline* pipeline : touched_pipelines_) pipeline->touched = false;
  touched_jobs_.clear();
  touched_pipelines_.clear();
  highest_fence_ = Fence{};
  job_rows_.clear();
  pipeline_rows_.clear();
  sends_.clear();
  return all;
}

}  // namespace grange::schedule
