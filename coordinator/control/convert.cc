#include "coordinator/control/convert.h"

#include <algorithm>
#include <string>

#include "coordinator/lifecycle/failure_reason.h"
#include "coordinator/pipeline/graph_json.h"

namespace grange::control {

void AddPlan(const store::JobRow& row, v1::Job* message) {
  const absl::StatusOr<pipeline::JobPlan> plan = pipeline::JobFromJson(row.plan_json);
  if (!plan.ok()) return;
  message->set_allow_failure(plan->allow_failure.always);
  message->set_when(std::string(lifecycle::WhenName(plan->when)));
  for (const std::string& tag : plan->tags) message->add_tags(tag);
  message->set_interruptible(plan->interruptible);
  message->set_attempts_max(plan->retry.max + 1);
  message->set_has_needs(plan->needs.has_value());
  if (plan->needs.has_value()) {
    for (const pipeline::Need& need : *plan->needs) message->add_needs(need.job);
  }
  if (plan->timeout.has_value()) message->set_timeout_ms(absl::ToInt64Milliseconds(*plan->timeout));
}

int64_t ToMillis(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return 0;
  return absl::ToUnixMillis(time);
}

void ToProto(const store::PipelineRow& row, v1::Pipeline* message) {
  message->set_id(row.id.value());
  message->set_project_id(row.project.value());
  message->set_project(row.project_name);
  message->set_sha(row.commit.sha);
  message->set_ref_name(row.ref_name);
  message->set_is_tag(row.is_tag);
  message->set_source(row.source);
  message->set_status(std::string(lifecycle::PipelineStateName(row.state)));
  message->set_created_ms(ToMillis(row.created_at));
  message->set_started_ms(ToMillis(row.started_at));
  message->set_finished_ms(ToMillis(row.finished_at));
  message->set_has_coverage(row.coverage.has_value());
  message->set_coverage(row.coverage.value_or(0));
  message->set_title(row.commit.title);
  for (const std::string& stage : row.stages) message->add_stages(stage);
  for (const std::string& error : row.errors) message->add_errors(error);
  message->set_failure(row.failure);
  message->set_name(row.name);
  message->set_pinned(row.pinned);
}

void ToProto(const store::JobRow& row, v1::Job* message) {
  AddPlan(row, message);
  AddProgress(row, message);
}

void AddProgress(const store::JobRow& row, v1::Job* message) {
  const schedule::StoreJob& progress = row.progress;
  message->set_id(row.id.value());
  message->set_pipeline_id(row.pipeline.value());
  message->set_name(row.name);
  message->set_stage(row.stage);
  message->set_stage_index(row.stage_index);
  message->set_status(std::string(lifecycle::JobStateName(progress.state)));
  message->set_attempt(progress.attempt);
  // A person's retries come on top of the automatic ones.
  const int by_hand = std::max(progress.attempt - 1 - progress.automatic_retries, 0);
  message->set_attempts_max(message->attempts_max() + by_hand);
  message->set_agent(row.agent_name);
  message->set_has_coverage(row.coverage.has_value());
  message->set_coverage(row.coverage.value_or(0));
  message->set_created_ms(ToMillis(row.created_at));
  message->set_queued_ms(ToMillis(progress.queued_at));
  message->set_started_ms(ToMillis(progress.started_at));
  message->set_finished_ms(ToMillis(progress.finished_at));
  if (progress.state == lifecycle::JobState::kFailed ||
      progress.state == lifecycle::JobState::kCanceled) {
    message->set_failure_reason(std::string(lifecycle::FailureReasonName(progress.reason)));
  }
  message->set_exit_code(progress.exit_code);
  // What the farm has to say of the job, else what its last attempt has said.
  const bool is_over = lifecycle::IsFinal(progress.state);
  message->set_detail(is_over && progress.detail.empty() ? row.attempt_detail : progress.detail);
  message->set_cpu_ms(absl::ToInt64Milliseconds(row.cpu));
  message->set_max_rss_bytes(static_cast<int64_t>(row.max_rss_bytes));
  message->set_trace_bytes(row.trace_bytes);
  message->set_dropped_bytes(row.dropped_bytes);
  if (progress.allowed_to_fail) message->set_allow_failure(true);
}

void ToProto(const store::AttemptRow& row, v1::Attempt* message) {
  message->set_number(row.number);
  message->set_status(std::string(lifecycle::JobStateName(row.state)));
  message->set_agent(row.agent_name);
  message->set_started_ms(ToMillis(row.started_at));
  message->set_finished_ms(ToMillis(row.finished_at));
  message->set_failure_reason(std::string(lifecycle::FailureReasonName(row.reason)));
  message->set_exit_code(row.exit_code);
  message->set_trace_bytes(row.trace_bytes);
  message->set_detail(row.detail);
  message->set_dropped_bytes(row.dropped_bytes);
  message->set_cpu_ms(absl::ToInt64Milliseconds(row.cpu));
  message->set_max_rss_bytes(static_cast<int64_t>(row.max_rss_bytes));
  message->set_trace_removed_ms(ToMillis(row.trace_removed_at));
  message->set_trace_removed_by(row.trace_removed_by);
}

void ToProto(const store::ArtifactRow& row, v1::Artifact* message) {
  message->set_name(row.name);
  message->set_attempt(row.attempt);
  message->set_size(row.size);
  message->set_created_ms(ToMillis(row.created_at));
  if (row.expires_at.has_value()) {
    message->set_expires_ms(ToMillis(*row.expires_at));
    message->set_never_expires(*row.expires_at == absl::InfiniteFuture());
  }
  message->set_removed_ms(ToMillis(row.removed_at));
  message->set_removed_by(row.removed_by);
}

void ToProto(const store::TokenRow& row, v1::Token* message) {
  message->set_id(row.id.value());
  message->set_kind(row.kind == store::TokenRow::Kind::kUser ? "user" : "registration");
  message->set_user(row.user);
  message->set_role(row.role);
  message->set_project(row.project_name);
  for (const std::string& tag : row.tags) message->add_tags(tag);
  message->set_uses_left(row.uses_left);
  message->set_used(row.used);
  message->set_created_ms(ToMillis(row.created_at));
  message->set_expires_ms(ToMillis(row.expires_at));
  message->set_revoked(row.revoked);
  for (const std::string& range : row.from) message->add_from(range);
}

void ToCommit(const store::PipelineRow& row, v1::Commit* message) {
  message->set_sha(row.commit.sha);
  message->set_title(row.commit.title);
  message->set_author(row.commit.author);
  message->set_status(std::string(lifecycle::PipelineStateName(row.state)));
  message->set_pipeline_id(row.id.value());
  message->set_ref_name(row.ref_name);
  message->set_project(row.project_name);
  message->set_has_coverage(row.coverage.has_value());
  message->set_coverage(row.coverage.value_or(0));
  const int64_t from = ToMillis(row.started_at), until = ToMillis(row.finished_at);
  message->set_has_duration(from != 0 && until != 0);
  if (message->has_duration()) message->set_duration_ms(std::max<int64_t>(until - from, 0));
}

}  // namespace grange::control
