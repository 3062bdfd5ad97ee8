#ifndef GRANGE_COORDINATOR_SCHEDULE_JOB_GRAPH_H_
#define GRANGE_COORDINATOR_SCHEDULE_JOB_GRAPH_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/schedule/job.h"

namespace grange::schedule {

// The jobs of one pipeline and what waits for what: stage order and `needs`.
//
// Keeps counts of what is open in each stage and before each job, so that the end of a job costs
// only as much as the jobs that it frees. Owns the jobs; they stay where they are.
class JobGraph {
 public:
  struct Judgement {
    enum class Kind { kWait, kRun, kRuleOut };
    Kind kind = Kind::kWait;
    std::string detail;  // with kRuleOut: why
  };

  JobGraph(std::vector<std::unique_ptr<Job>> jobs, int stages);

  const std::vector<std::unique_ptr<Job>>& jobs() const { return jobs_; }

  // The job's state has changed: counts again what it means for others.
  void Update(Job& job);

  // The next job in state kCreated of which Judge() may now say something else; null when there
  // is none.
  Job* NextCandidate();

  // Whether a job that is kCreated may run by what came before it and its `when`.
  Judgement Judge(const Job& job) const;

  // The skipped jobs that come after `job`, directly or through other skipped ones: running it
  // again may let them run.
  std::vector<Job*> SkippedAfter(const Job& job) const;

  // The jobs that `job` waits for and that are still open, in file order.
  std::vector<const Job*> OpenBefore(const Job& job) const;

 private:
  struct Stage {
    int open = 0;
    int failed = 0;
    int canceled = 0;
    std::vector<Job*> jobs;
  };
  // What the jobs before another one came to, all together.
  struct Before {
    bool open = false;
    const Job* failed = nullptr;  // one of them, for the explanation
    const Job* canceled = nullptr;
    const Job* missed = nullptr;  // skipped or held, and needed
  };

  Before Look(const Job& job) const;
  const Job* FirstInStages(int before_stage, Outcome outcome) const;
  void AddCandidate(Job& job);
  void AddCandidatesBehind(int stage);

  std::vector<std::unique_ptr<Job>> jobs_;
  std::vector<Stage> stages_;
  std::deque<Job*> candidates_;
};

}  // namespace grange::schedule

#endif  // GRANGE_COORDINATOR_SCHEDULE_JOB_GRAPH_H_
