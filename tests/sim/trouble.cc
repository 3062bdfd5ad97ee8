// Faults, and people who ask for something at a bad moment.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/world.h"

namespace grange::sim {

using lifecycle::JobState;
using schedule::StoreJob;

bool World::Roll(Fault fault) {
  return !healing_ && dice_.Percent(chance_[static_cast<size_t>(fault)]);
}

bool World::Strikes(Fault fault) {
  if (!Roll(fault)) return false;
  Count(fault);
  return true;
}

void World::Count(Fault fault) {
  ++outcome_.faults[static_cast<size_t>(fault)];
  if (options_.print) Print(absl::StrCat("fault: ", FaultName(fault)));
}

// At most one fault; only what had an effect is counted.
bool World::Trouble() {
  using Cause = bool (World::*)();
  constexpr std::pair<Fault, Cause> kCauses[] = {
      {Fault::kHubCrash, &World::CrashHub},
      {Fault::kAgentCrash, &World::CrashAgent},
      {Fault::kMachineRestart, &World::Restart},
      {Fault::kStateLost, &World::LoseState},
      {Fault::kCut, &World::Cut},
      {Fault::kPartition, &World::Partition},
      {Fault::kDuplicate, &World::Duplicate},
      {Fault::kCancel, &World::CancelSomething},
      {Fault::kRetry, &World::RetrySomething},
      {Fault::kDrain, &World::DrainSomeone},
  };
  for (const auto& [fault, cause] : kCauses) {
    if (!Roll(fault) || !(this->*cause)()) continue;
    Count(fault);
    return true;
  }
  if (dice_.Percent(2)) return SubmitPipeline();
  if (dice_.Percent(2)) return PlaySomething();
  return false;
}

bool World::CrashHub() {
  if (!hub_.up()) return false;
  hub_.Crash();
  HubIsGone();
  return true;
}

bool World::CrashAgent() {
  FakeAgent& agent = *agents_[dice_.Below(agents_.size())];
  if (!agent.up()) return false;
  agent.Crash();
  return true;
}

bool World::Restart() {
  const size_t i = dice_.Below(agents_.size());
  agents_[i]->Crash();
  machines_[i]->Restart();
  restarted_[i] = true;
  return true;
}

bool World::LoseState() {
  const size_t i = dice_.Below(agents_.size());
  if (machines_[i]->IsQuiet()) return false;
  agents_[i]->Crash();
  machines_[i]->Wipe();
  return true;
}

void World::HubIsGone() {
  for (const std::unique_ptr<Connection>& c : connections_) {
    c->hub_open = false;
    c->control_to_hub.clear();
    c->trace_to_hub.clear();
    CutConnection(*c);
  }
}

namespace {

template <typename Message>
void LoseSuffix(std::deque<Message>& queue, Dice& dice) {
  queue.resize(dice.Below(queue.size() + 1));
}

}  // namespace

// What gets through is a prefix of what was under way, in each direction of each stream.
void World::CutConnection(Connection& connection) {
  if (connection.cut) return;
  connection.cut = true;
  LoseSuffix(connection.control_to_hub, dice_);
  LoseSuffix(connection.trace_to_hub, dice_);
  LoseSuffix(connection.control_to_agent, dice_);
  LoseSuffix(connection.trace_to_agent, dice_);
}

bool World::Cut() {
  if (connections_.empty()) return false;
  Connection& connection = *connections_[dice_.Below(connections_.size())];
  if (connection.cut || !connection.hub_open || !connection.agent_open) return false;
  CutConnection(connection);
  return true;
}

bool World::Partition() {
  if (connections_.empty()) return false;
  Connection& connection = *connections_[dice_.Below(connections_.size())];
  if (connection.cut || IsSilent(connection)) return false;
  const int seconds = dice_.Between(1, 900);
  connection.silent_until = now_ + absl::Seconds(seconds);
  // Often much of it passes before anything else happens, so that leases and lost_after run out.
  if (dice_.Percent(70)) Advance(absl::Seconds(dice_.Between(1, seconds)));
  return true;
}

bool World::Duplicate() {
  if (connections_.empty()) return false;
  Connection& c = *connections_[dice_.Below(connections_.size())];
  const auto twice = [](auto& queue) {
    if (queue.empty()) return false;
    queue.push_front(queue.front());
    return true;
  };
  switch (dice_.Below(4)) {
    case 0:
      return twice(c.control_to_hub);
    case 1:
      return twice(c.trace_to_hub);
    case 2:
      return twice(c.control_to_agent);
    default:
      return twice(c.trace_to_agent);
  }
}

JobId World::AnyJob() {
  if (store_.jobs().empty()) return JobId();
  auto job = store_.jobs().begin();
  std::advance(job, static_cast<std::ptrdiff_t>(dice_.Below(store_.jobs().size())));
  return job->first;
}

bool World::CancelSomething() {
  const JobId job = AnyJob();
  if (!job.is_set()) return false;
  const bool force = dice_.Percent(40);
  if (dice_.Percent(30)) return Ask(schedule::CancelPipeline{store_.PipelineOf(job), force});
  return Ask(schedule::CancelJob{job, force});
}

bool World::RetrySomething() {
  const JobId job = AnyJob();
  if (!job.is_set()) return false;
  if (dice_.Percent(40)) return Ask(schedule::RetryPipeline{store_.PipelineOf(job)});
  return Ask(schedule::RetryJob{job});
}

bool World::PlaySomething() {
  const JobId job = AnyJob();
  return job.is_set() && Ask(schedule::PlayJob{job});
}

// As the coordinator does it: a pipeline that has ended is brought back from its rows. They may
// have been read before its end was committed.
bool World::Ask(const schedule::Event& request) {
  if (!hub_.up()) return false;
  if (healing_ || dice_.Percent(50)) hub_.Commit();
  if (!hub_.up()) {
    HubIsGone();
    return false;
  }
  PipelineId pipeline;
  bool runs = false;
  JobId job;
  if (const auto* e = std::get_if<schedule::CancelPipeline>(&request)) pipeline = e->pipeline;
  if (const auto* e = std::get_if<schedule::CancelJob>(&request)) job = e->job;
  if (const auto* e = std::get_if<schedule::PlayJob>(&request)) job = e->job;
  if (const auto* e = std::get_if<schedule::RetryPipeline>(&request)) {
    pipeline = e->pipeline;
    runs = true;
  }
  if (const auto* e = std::get_if<schedule::RetryJob>(&request)) {
    job = e->job;
    runs = true;
  }
  if (job.is_set()) pipeline = store_.PipelineOf(job);
  if (!hub_.scheduler().Knows(pipeline)) hub_.Apply(store_.Restored(pipeline), HubNow());
  if (!hub_.scheduler().Check(request).ok()) return false;
  if (runs) {
    for (const auto& [id, row] : store_.jobs()) {
      const bool meant = job.is_set() ? id == job : row.pipeline == pipeline;
      const bool may_have_ended = lifecycle::IsFinal(row.state) || hub_.has_batch();
      if (meant && may_have_ended) witness_.PersonAsksToRun(id);
    }
  }
  hub_.Apply(request, HubNow());
  return true;
}

bool World::DrainSomeone() {
  const size_t i = dice_.Below(agents_.size());
  SetDraining(agents_[i]->id(), dice_.Percent(50));
  return true;
}

void World::SetDraining(AgentId agent, bool draining) {
  const absl::Duration stop_after = draining && dice_.Percent(70)
                                        ? absl::Seconds(dice_.Between(1, 40))
                                        : absl::InfiniteDuration();
  store_.SetDraining(agent, draining, HubNow() + stop_after);
  if (!draining) witness_.DrainEnds(agent);
  if (!hub_.up()) return;
  if (draining) return hub_.Drain(agent, stop_after, HubNow());
  hub_.Apply(schedule::AgentDrainChanged{agent, false}, HubNow());
}

bool World::SubmitPipeline() {
  if (pipelines_left_ == 0 || !hub_.up()) return false;
  --pipelines_left_;
  const schedule::PipelineAdded pipeline = MakePipeline();
  store_.AddPipeline(pipeline);
  if (Strikes(Fault::kHubCrash)) {
    CrashHub();  // stored, and the core never heard of it
  } else {
    hub_.Apply(pipeline, HubNow());
  }
  return true;
}

}  // namespace grange::sim
