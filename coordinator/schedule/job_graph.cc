#include "coordinator/schedule/job_graph.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace grange::schedule {
namespace {

using lifecycle::JobState;
using lifecycle::When;

Outcome OutcomeOf(const Job& job) {
  switch (job.node.state) {
    case JobState::kSuccess:
      return Outcome::kPassed;
    case JobState::kFailed:
      return job.allowed_to_fail ? Outcome::kPassed : Outcome::kFailed;
    case JobState::kCanceled:
      return job.node.allow_failure.always ? Outcome::kPassed : Outcome::kCanceled;
    case JobState::kSkipped:
      return Outcome::kSkipped;
    case JobState::kManual:
      return job.node.allow_failure.always ? Outcome::kHeld : Outcome::kOpen;
    case JobState::kCreated:
    case JobState::kPending:
    case JobState::kRunning:
    case JobState::kScheduled:
      return Outcome::kOpen;
  }
  return Outcome::kOpen;
}

}  // namespace

JobGraph::JobGraph(std::vector<std::unique_ptr<Job>> jobs, int stages)
    : jobs_(std::move(jobs)), stages_(static_cast<size_t>(std::max(stages, 0))) {
  absl::flat_hash_map<JobId, Job*> by_id;
  for (const std::unique_ptr<Job>& job : jobs_) {
    by_id[job->node.id] = job.get();
    const size_t stage = static_cast<size_t>(std::max(job->node.stage, 0));
    if (stage >= stages_.size()) stages_.resize(stage + 1);
    stages_[stage].jobs.push_back(job.get());
    ++stages_[stage].open;
  }
  for (const std::unique_ptr<Job>& job : jobs_) {
    for (const JobNode::Need& need : job->node.needs) {
      const auto found = by_id.find(need.job);
      if (found == by_id.end()) {
        if (!need.optional) job->lacks_need = true;
        continue;
      }
      job->needs.push_back(found->second);
      found->second->needed_by.push_back(job.get());
      ++job->open_needs;
    }
  }
  for (const std::unique_ptr<Job>& job : jobs_) Update(*job);
}

void JobGraph::Update(Job& job) {
  if (job.node.state == JobState::kCreated) AddCandidate(job);
  const Outcome before = job.outcome;
  const Outcome after = OutcomeOf(job);
  if (before == after) return;
  job.outcome = after;

  Stage& stage = stages_[static_cast<size_t>(job.node.stage)];
  stage.failed += (after == Outcome::kFailed) - (before == Outcome::kFailed);
  stage.canceled += (after == Outcome::kCanceled) - (before == Outcome::kCanceled);
  const int opened = (after == Outcome::kOpen) - (before == Outcome::kOpen);
  stage.open += opened;
  for (Job* follower : job.needed_by) {
    follower->open_needs += opened;
    if (follower->open_needs == 0) AddCandidate(*follower);
  }
  if (stage.open == 0) AddCandidatesBehind(job.node.stage);
}

Job* JobGraph::NextCandidate() {
  while (!candidates_.empty()) {
    Job* job = candidates_.front();
    candidates_.pop_front();
    job->is_candidate = false;
    if (job->node.state == JobState::kCreated) return job;
  }
  return nullptr;
}

JobGraph::Judgement JobGraph::Judge(const Job& job) const {
  if (job.lacks_need) {
    return {Judgement::Kind::kRuleOut, "needs a job that this pipeline does not have"};
  }
  const Before before = Look(job);
  if (before.open) return {};
  const When when = job.node.when;
  if (when == When::kAlways) return {Judgement::Kind::kRun, ""};
  if (before.missed != nullptr) {
    return {Judgement::Kind::kRuleOut,
            absl::StrCat(
                "needs '", before.missed->node.name, "', which ",
                before.missed->outcome == Outcome::kHeld ? "nobody has started" : "was skipped")};
  }
  if (when == When::kOnFailure) {
    if (before.failed != nullptr) return {Judgement::Kind::kRun, ""};
    return {Judgement::Kind::kRuleOut, "runs on failure only, and nothing before it failed"};
  }
  if (before.failed != nullptr) {
    return {Judgement::Kind::kRuleOut, absl::StrCat("'", before.failed->node.name, "' failed")};
  }
  if (before.canceled != nullptr) {
    return {Judgement::Kind::kRuleOut,
            absl::StrCat("'", before.canceled->node.name, "' was canceled")};
  }
  return {Judgement::Kind::kRun, ""};
}

JobGraph::Before JobGraph::Look(const Job& job) const {
  Before before;
  if (job.node.has_needs) {
    if (job.open_needs > 0) {
      before.open = true;
      return before;
    }
    for (const Job* need : job.needs) {
      if (need->outcome == Outcome::kFailed) before.failed = need;
      if (need->outcome == Outcome::kCanceled) before.canceled = need;
      if (need->outcome == Outcome::kSkipped || need->outcome == Outcome::kHeld) {
        before.missed = need;
      }
    }
    return before;
  }
  bool failed = false;
  bool canceled = false;
  for (int s = 0; s < job.node.stage; ++s) {
    const Stage& stage = stages_[static_cast<size_t>(s)];
    if (stage.open > 0) {
      before.open = true;
      return before;
    }
    failed = failed || stage.failed > 0;
    canceled = canceled || stage.canceled > 0;
  }
  if (failed) before.failed = FirstInStages(job.node.stage, Outcome::kFailed);
  if (canceled) before.canceled = FirstInStages(job.node.stage, Outcome::kCanceled);
  return before;
}

const Job* JobGraph::FirstInStages(int before_stage, Outcome outcome) const {
  for (int s = 0; s < before_stage; ++s) {
    for (const Job* job : stages_[static_cast<size_t>(s)].jobs) {
      if (job->outcome == outcome) return job;
    }
  }
  return nullptr;
}

std::vector<Job*> JobGraph::SkippedAfter(const Job& job) const {
  std::vector<Job*> after;
  absl::flat_hash_set<const Job*> seen;
  std::vector<const Job*> open = {&job};
  int lowest_stage_done = static_cast<int>(stages_.size());
  const auto visit = [&](Job* follower) {
    if (follower->node.state != JobState::kSkipped || !seen.insert(follower).second) return;
    after.push_back(follower);
    open.push_back(follower);
  };
  while (!open.empty()) {
    const Job* from = open.back();
    open.pop_back();
    for (Job* follower : from->needed_by) visit(follower);
    // All stages behind one are walked through once, whatever number of jobs it has.
    for (int s = from->node.stage + 1;
         s <= lowest_stage_done && s < static_cast<int>(stages_.size()); ++s) {
      for (Job* follower : stages_[static_cast<size_t>(s)].jobs) {
        if (!follower->node.has_needs) visit(follower);
      }
    }
    lowest_stage_done = std::min(lowest_stage_done, from->node.stage);
  }
  std::ranges::sort(after, {}, &Job::index);
  return after;
}

std::vector<const Job*> JobGraph::OpenBefore(const Job& job) const {
  std::vector<const Job*> open;
  if (job.node.has_needs) {
    for (const Job* need : job.needs) {
      if (need->outcome == Outcome::kOpen) open.push_back(need);
    }
    return open;
  }
  for (int s = 0; s < job.node.stage; ++s) {
    for (const Job* earlier : stages_[static_cast<size_t>(s)].jobs) {
      if (earlier->outcome == Outcome::kOpen) open.push_back(earlier);
    }
  }
  return open;
}

void JobGraph::AddCandidate(Job& job) {
  if (job.is_candidate || job.node.state != JobState::kCreated) return;
  job.is_candidate = true;
  candidates_.push_back(&job);
}

// The jobs in stage order that the end of `stage` may have freed: those of the stages up to and
// with the next one in which something is open.
void JobGraph::AddCandidatesBehind(int stage) {
  for (int s = 0; s < stage; ++s) {
    if (stages_[static_cast<size_t>(s)].open > 0) return;
  }
  for (size_t s = static_cast<size_t>(stage) + 1; s < stages_.size(); ++s) {
    for (Job* job : stages_[s].jobs) {
      if (!job->node.has_needs) AddCandidate(*job);
    }
    if (stages_[s].open > 0) return;
  }
}

}  // namespace grange::schedule
