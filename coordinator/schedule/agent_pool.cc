#include "coordinator/schedule/agent_pool.h"

#include <algorithm>

namespace grange::schedule {

void SortUnique(std::vector<std::string>& names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

Agent* AgentPool::Find(AgentId id) {
  const auto found = agents_.find(id);
  return found == agents_.end() ? nullptr : found->second.get();
}

const Agent* AgentPool::Find(AgentId id) const {
  const auto found = agents_.find(id);
  return found == agents_.end() ? nullptr : found->second.get();
}

Agent& AgentPool::FindOrMake(AgentId id, absl::Time now) {
  std::unique_ptr<Agent>& agent = agents_[id];
  if (agent == nullptr) {
    agent = std::make_unique<Agent>();
    agent->id = id;
    agent->disconnected_at = now;
  }
  return *agent;
}

bool AgentPool::Join(Agent& agent) {
  if (agent.group != nullptr && agent.free_key != 0) {
    agent.group->free.erase({agent.free_key, agent.id});
    agent.free_key = 0;
  }
  const auto [place, made] = groups_.try_emplace(agent.profile);
  if (made) place->second.profile = agent.profile;
  agent.group = &place->second;
  Refresh(agent);
  return made;
}

void AgentPool::Refresh(Agent& agent) {
  if (agent.group == nullptr) return;
  const int key = agent.takes_offers() && agent.free_slots() > 0 ? -agent.free_slots() : 0;
  if (key == agent.free_key) return;
  if (agent.free_key != 0) agent.group->free.erase({agent.free_key, agent.id});
  if (key != 0) agent.group->free.insert({key, agent.id});
  agent.free_key = key;
}

void AgentPool::Remove(AgentId id) {
  Agent* agent = Find(id);
  if (agent == nullptr) return;
  if (agent->free_key != 0) agent->group->free.erase({agent->free_key, id});
  agents_.erase(id);
}

}  // namespace grange::schedule
