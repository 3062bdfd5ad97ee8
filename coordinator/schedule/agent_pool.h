#ifndef GRANGE_COORDINATOR_SCHEDULE_AGENT_POOL_H_
#define GRANGE_COORDINATOR_SCHEDULE_AGENT_POOL_H_

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/schedule/event.h"
#include "coordinator/schedule/job.h"

namespace grange::schedule {

// Names as profiles and jobs have them: compared as ranges.
void SortUnique(std::vector<std::string>& names);

// What an agent's owner lets it run, and what it can do. Agents with equal profiles are
// interchangeable.
struct AgentProfile {
  std::vector<std::string> tags;  // sorted, each once
  bool run_untagged = true;
  ProjectId project;  // set: takes jobs of this project only
  // Sorted, each once. Of its last Hello: none before that.
  std::vector<std::string> features;

  friend auto operator<=>(const AgentProfile&, const AgentProfile&) = default;
};

// All agents with one profile.
struct AgentGroup {
  AgentProfile profile;
  // Those that can be offered a job now: most free slots first, then the oldest agent.
  absl::btree_set<std::pair<int, AgentId>> free;  // (-free slots, agent)
  // The classes of waiting jobs that these agents may run, by their first job; kept by JobQueue.
  absl::btree_map<QueueKey, JobClass*> waiting;
};

struct Agent {
  AgentId id;
  std::string name;
  std::string version;
  AgentProfile profile;
  AgentGroup* group = nullptr;  // null until Join()
  bool registered = false;      // false: known only from the rows of a job
  bool draining = false;        // a person wants it
  absl::Time drain_until = absl::InfiniteFuture();  // with the former: what runs then is stopped
  bool says_draining = false;   // it declined for that reason; until it says Hello again
  int slots = 1;

  SessionId session;  // unset: not connected
  absl::Time disconnected_at = absl::InfinitePast();

  absl::btree_set<JobId> jobs;      // offered, granted or running
  absl::btree_set<JobId> declined;  // jobs with a Decline of this agent
  int declines_in_a_row = 0;
  bool paused = false;  // declined too often; until a timer ends it

  int free_key = 0;  // its entry in group->free; 0: it has none

  bool connected() const { return session.is_set(); }
  int free_slots() const { return slots - static_cast<int>(jobs.size()); }
  bool takes_offers() const {
    return registered && connected() && !draining && !says_draining && !paused;
  }
};

// The agents that exist, with an index of those that can take a job now. Agents and groups stay
// where they are until Remove(). After a change of an agent's fields call Refresh().
class AgentPool {
 public:
  // Null if there is none.
  Agent* Find(AgentId id);
  const Agent* Find(AgentId id) const;
  // A new one counts as away since `now`.
  Agent& FindOrMake(AgentId id, absl::Time now);

  // Puts the agent into the group of its profile; true if that group is new.
  bool Join(Agent& agent);
  void Refresh(Agent& agent);
  void Remove(AgentId id);

  const absl::btree_map<AgentId, std::unique_ptr<Agent>>& agents() const { return agents_; }
  const std::map<AgentProfile, AgentGroup>& groups() const { return groups_; }
  std::map<AgentProfile, AgentGroup>& groups() { return groups_; }

 private:
  absl::btree_map<AgentId, std::unique_ptr<Agent>> agents_;
  std::map<AgentProfile, AgentGroup> groups_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_AGENT_POOL_H_
