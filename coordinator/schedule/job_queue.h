#ifndef GRANGE_COORDINATOR_SCHEDULE_JOB_QUEUE_H_
#define GRANGE_COORDINATOR_SCHEDULE_JOB_QUEUE_H_

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "coordinator/schedule/agent_pool.h"
#include "coordinator/schedule/job.h"

namespace grange::schedule {

// Waiting jobs that the same agents may run: only the first of them needs to be looked at.
struct JobClass {
  struct Key {
    ProjectId project;
    std::vector<std::string> tags;      // sorted, each once
    std::vector<std::string> features;  // the same
    std::vector<AgentId> declined_by;  // sorted

    friend auto operator<=>(const Key&, const Key&) = default;
  };

  Key key;
  absl::btree_map<QueueKey, Job*> jobs;
  std::vector<AgentGroup*> groups;  // whose agents may run them
};

// Whether agents with this profile may run jobs of this project with these (sorted) tags.
bool Fits(const AgentProfile& profile, ProjectId project, const std::vector<std::string>& tags);
// Which of these (sorted) features agents with this profile do not have.
std::vector<std::string> Lacking(const AgentProfile& profile,
                                 const std::vector<std::string>& features);

// The jobs that wait for an agent.
//
// They are kept in classes, and each group of like agents knows the classes that it may run, so
// that the cost of an event does not depend on how many jobs wait: a job whose tags no agent has
// is never looked at, and blocks nobody.
class JobQueue {
 public:
  struct Match {
    Job* job;
    AgentId agent;
  };

  explicit JobQueue(AgentPool& agents) : agents_(agents) {}

  void Push(Job& job);
  void Remove(Job& job);
  // The job's declines have changed.
  void Reclassify(Job& job);
  // A group of agents that was not there before.
  void GroupAdded(AgentGroup& group);

  // The first job in queue order for which an agent is free, and the best agent for it: the one
  // with most free slots, then the oldest. It stays in the queue.
  std::optional<Match> Next() const;

 private:
  static bool MayRun(const AgentGroup& group, const JobClass::Key& jobs);
  static std::optional<AgentId> BestAgent(const JobClass& jobs);
  static void ShowHead(JobClass& jobs, const QueueKey& head);
  static void HideHead(JobClass& jobs, const QueueKey& head);

  AgentPool& agents_;
  std::map<JobClass::Key, JobClass> classes_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_JOB_QUEUE_H_
