#include "coordinator/schedule/job_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "coordinator/schedule/pipeline.h"

namespace grange::schedule {

bool Fits(const AgentProfile& profile, ProjectId project, const std::vector<std::string>& tags) {
  if (profile.project.is_set() && profile.project != project) return false;
  if (tags.empty()) return profile.run_untagged;
  return std::ranges::includes(profile.tags, tags);
}

std::vector<std::string> Lacking(const AgentProfile& profile,
                                 const std::vector<std::string>& features) {
  std::vector<std::string> lacking;
  std::ranges::set_difference(features, profile.features, std::back_inserter(lacking));
  return lacking;
}

bool JobQueue::MayRun(const AgentGroup& group, const JobClass::Key& jobs) {
  return Fits(group.profile, jobs.project, jobs.tags) &&
         std::ranges::includes(group.profile.features, jobs.features);
}

void JobQueue::Push(Job& job) {
  JobClass::Key key{job.pipeline->project, job.node.tags, job.node.features, {}};
  for (const Decline& decline : job.declines) key.declined_by.push_back(decline.agent);

  const auto [place, made] = classes_.try_emplace(std::move(key));
  JobClass& jobs = place->second;
  if (made) {
    jobs.key = place->first;
    for (auto& [profile, group] : agents_.groups()) {
      if (MayRun(group, jobs.key)) jobs.groups.push_back(&group);
    }
  }
  const QueueKey at = job.key();
  const bool was_empty = jobs.jobs.empty();
  if (was_empty || at < jobs.jobs.begin()->first) {
    if (!was_empty) HideHead(jobs, jobs.jobs.begin()->first);
    ShowHead(jobs, at);
  }
  jobs.jobs.emplace(at, &job);
  job.queued_in = &jobs;
}

void JobQueue::Remove(Job& job) {
  if (job.queued_in == nullptr) return;
  JobClass& jobs = *job.queued_in;
  job.queued_in = nullptr;
  const QueueKey at = job.key();
  const bool was_head = jobs.jobs.begin()->first == at;
  jobs.jobs.erase(at);
  if (was_head) {
    HideHead(jobs, at);
    if (!jobs.jobs.empty()) ShowHead(jobs, jobs.jobs.begin()->first);
  }
  if (jobs.jobs.empty()) classes_.erase(classes_.find(jobs.key));
}

void JobQueue::Reclassify(Job& job) {
  if (job.queued_in == nullptr) return;
  Remove(job);
  Push(job);
}

void JobQueue::GroupAdded(AgentGroup& group) {
  for (auto& [key, jobs] : classes_) {
    if (!MayRun(group, key)) continue;
    jobs.groups.push_back(&group);
    group.waiting.emplace(jobs.jobs.begin()->first, &jobs);
  }
}

// A class may have no agent left for it only where agents have declined; all other classes that
// wait in a group with a free agent match at once.
std::optional<JobQueue::Match> JobQueue::Next() const {
  const JobClass* best = nullptr;
  std::optional<AgentId> agent;
  for (const auto& [profile, group] : agents_.groups()) {
    if (group.free.empty()) continue;
    for (const auto& [head, jobs] : group.waiting) {
      if (best != nullptr && !(head < best->jobs.begin()->first)) break;
      const std::optional<AgentId> candidate = BestAgent(*jobs);
      if (!candidate.has_value()) continue;
      best = jobs;
      agent = candidate;
      break;
    }
  }
  if (best == nullptr) return std::nullopt;
  return Match{best->jobs.begin()->second, *agent};
}

std::optional<AgentId> JobQueue::BestAgent(const JobClass& jobs) {
  std::optional<std::pair<int, AgentId>> best;
  for (const AgentGroup* group : jobs.groups) {
    for (const std::pair<int, AgentId>& agent : group->free) {
      if (best.has_value() && *best < agent) break;
      if (std::ranges::binary_search(jobs.key.declined_by, agent.second)) continue;
      best = agent;
      break;
    }
  }
  if (!best.has_value()) return std::nullopt;
  return best->second;
}

void JobQueue::ShowHead(JobClass& jobs, const QueueKey& head) {
  for (AgentGroup* group : jobs.groups) group->waiting.emplace(head, &jobs);
}

void JobQueue::HideHead(JobClass& jobs, const QueueKey& head) {
  for (AgentGroup* group : jobs.groups) group->waiting.erase(head);
}

}  // namespace grange::schedule
