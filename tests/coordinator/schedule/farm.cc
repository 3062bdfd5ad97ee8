#include "tests/coordinator/schedule/farm.h"

#include <algorithm>

#include "absl/strings/str_join.h"

namespace grange::schedule {

Farm::Farm(SchedulerOptions options)
    : options_(options), scheduler_(std::make_unique<Scheduler>(options)) {}

AgentId Farm::Register(const TestAgent& agent) {
  const AgentId id(next_id_++);
  AgentAdded added{.id = id,
                   .name = agent.name.empty() ? id.ToString() : agent.name,
                   .tags = agent.tags,
                   .run_untagged = agent.run_untagged,
                   .slots = agent.slots,
                   .project = agent.project,
                   .draining = false};
  agents_[id] = added;
  builds_[id] = {agent.version, agent.features};
  Apply(added);
  return id;
}

AgentId Farm::Connect(const TestAgent& agent) {
  const AgentId id = Register(agent);
  Hello(id);
  return id;
}

void Farm::Hello(AgentId agent, std::vector<JobReport> jobs) {
  sessions_[agent] = SessionId(next_id_++);
  Apply(AgentConnected{.agent = agent,
                       .session = sessions_[agent],
                       .slots = agents_[agent].slots,
                       .jobs = std::move(jobs),
                       .features = builds_[agent].second,
                       .version = builds_[agent].first});
}

void Farm::Upgrade(AgentId agent, std::string version, std::vector<std::string> features) {
  builds_[agent] = {std::move(version), std::move(features)};
}

void Farm::Disconnect(AgentId agent) { Apply(AgentDisconnected{agent, sessions_[agent]}); }

void Farm::Drain(AgentId agent, bool draining, absl::Duration stop_after) {
  agents_[agent].draining = draining;
  agents_[agent].drain_until = clock_.Now() + stop_after;
  Apply(AgentDrainChanged{agent, draining, stop_after});
}

PipelineId Farm::Submit(const std::vector<TestJob>& jobs, ProjectId project) {
  PipelineAdded added;
  added.id = PipelineId(next_id_++);
  added.project = project;
  added.project_name = "site";
  std::map<std::string, JobId> ids;
  for (const TestJob& job : jobs) ids[job.name] = JobId(next_id_++);
  for (const TestJob& job : jobs) {
    JobNode node;
    node.id = ids[job.name];
    node.name = job.name;
    node.stage = job.stage;
    node.when = job.when;
    node.allow_failure = job.allow_failure;
    node.tags = job.tags;
    node.features = job.features;
    node.retry = job.retry;
    node.start_in = job.start_in;
    node.has_needs = job.no_needs || !job.needs.empty();
    for (const std::string& need : job.needs) node.needs.push_back({ids.at(need), false});
    while (added.stages.size() <= static_cast<size_t>(job.stage)) {
      added.stages.push_back(absl::StrCat("s", added.stages.size()));
    }
    rows_[node.id].id = node.id;
    added.jobs.push_back(node);
  }
  pipelines_[added.id] = added;
  pipeline_rows_[added.id].id = added.id;
  Apply(added);
  return added.id;
}

JobId Farm::Submit(const std::string& name) {
  Submit(std::vector<TestJob>{{.name = name}});
  return Job(name);
}

JobId Farm::Job(absl::string_view name) const {
  for (auto p = pipelines_.rbegin(); p != pipelines_.rend(); ++p) {
    for (const JobNode& job : p->second.jobs) {
      if (job.name == name) return job.id;
    }
  }
  return JobId();
}

void Farm::End(JobId job, lifecycle::FailureReason reason, int exit_code) {
  Finished(AgentOf(job), AssignmentOf(job), reason, exit_code);
}

void Farm::Accept(AgentId agent, const Assignment& a) {
  Apply(JobAccepted{agent, sessions_[agent], a});
}

void Farm::Decline(AgentId agent, const Assignment& a, std::string reason) {
  Apply(JobDeclined{agent, sessions_[agent], a, std::move(reason)});
}

void Farm::Started(AgentId agent, const Assignment& a) {
  Apply(JobStarted{agent, sessions_[agent], a});
}

void Farm::Finished(AgentId agent, const Assignment& a, lifecycle::FailureReason reason,
                    int exit_code) {
  Apply(JobFinished{agent, sessions_[agent], a, reason, exit_code});
}

std::vector<Decision> Farm::Apply(const Event& event) {
  std::vector<Decision> decisions = scheduler_->Apply(event, clock_.Now());
  Perform(decisions);
  return decisions;
}

void Farm::Perform(const std::vector<Decision>& decisions) {
  for (const Decision& decision : decisions) {
    if (const auto* row = std::get_if<StoreJob>(&decision)) {
      rows_[row->id] = *row;
      history_.push_back(*row);
    } else if (const auto* pipeline = std::get_if<StorePipeline>(&decision)) {
      pipeline_rows_[pipeline->id] = *pipeline;
    } else if (const auto* fence = std::get_if<StoreFence>(&decision)) {
      highest_fence_ = fence->highest;
    } else {
      sends_.push_back(decision);
    }
  }
  for (const Decision& decision : decisions) {
    if (const auto* offer = std::get_if<SendOffer>(&decision)) {
      if (!silent_[offer->agent]) Accept(offer->agent, offer->assignment);
    } else if (const auto* start = std::get_if<SendStart>(&decision)) {
      if (!silent_[start->agent]) Started(start->agent, start->assignment);
    }
  }
}

void Farm::Advance(absl::Duration by) {
  const absl::Time end = clock_.Now() + by;
  while (scheduler_->NextDeadline() <= end) {
    clock_.Advance(std::max(scheduler_->NextDeadline() - clock_.Now(), absl::ZeroDuration()));
    Apply(Tick{});
  }
  clock_.Advance(end - clock_.Now());
}

PipelineAdded Farm::Restored(const PipelineAdded& added) const {
  PipelineAdded restored = added;
  const StorePipeline& row = pipeline_rows_.at(added.id);
  restored.state = row.state;
  restored.started_at = row.started_at;
  for (JobNode& job : restored.jobs) {
    const StoreJob& stored = rows_.at(job.id);
    job.state = stored.state;
    job.attempt = stored.attempt;
    job.automatic_retries = stored.automatic_retries;
    job.phase = stored.phase;
    job.fence = stored.fence;
    job.agent = stored.agent;
    job.reason = stored.reason;
    job.exit_code = stored.exit_code;
    job.cancel_wanted = stored.cancel_wanted;
    job.cancel_by_force = stored.cancel_by_force;
    job.played = stored.played;
    job.queued_at = stored.queued_at;
    job.play_at = stored.play_at;
    job.started_at = stored.started_at;
    job.finished_at = stored.finished_at;
  }
  return restored;
}

void Farm::RestartCoordinator() {
  options_.highest_fence = highest_fence_;
  scheduler_ = std::make_unique<Scheduler>(options_);
  for (const auto& [id, agent] : agents_) Apply(agent);
  for (const auto& [id, added] : pipelines_) {
    if (!lifecycle::IsFinal(pipeline_rows_.at(id).state)) Apply(Restored(added));
  }
}

std::string Farm::State(absl::string_view name) const {
  return std::string(lifecycle::JobStateName(StateOf(Job(name))));
}

std::string Farm::PipelineState(PipelineId id) const {
  return std::string(lifecycle::PipelineStateName(pipeline_rows_.at(id).state));
}

Assignment Farm::AssignmentOf(JobId job) const {
  const StoreJob& row = rows_.at(job);
  return {row.id, row.attempt, row.fence};
}

std::vector<std::string> Farm::Running() const {
  std::vector<std::string> names;
  for (const auto& [id, added] : pipelines_) {
    for (const JobNode& job : added.jobs) {
      if (StateOf(job.id) == lifecycle::JobState::kRunning) names.push_back(job.name);
    }
  }
  return names;
}

std::string Farm::Why(JobId job) const {
  const absl::StatusOr<Explanation> why = scheduler_->Why(job, clock_.Now());
  return why.ok() ? absl::StrJoin(why->reasons, "; ") : why.status().ToString();
}

}  // namespace grange::schedule
