// What a seed is about: its agents, its pipelines, its weather.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/sim/world.h"

namespace grange::sim {

using lifecycle::FailureReason;
using lifecycle::When;
using schedule::JobNode;

namespace {

// Right within 10 %; a third is right, the others are off as much as they may be, or a little less.
double RateOf(Dice& dice) {
  if (dice.Percent(33)) return 1.0;
  return 1.0 + (dice.Percent(50) ? 0.01 : -0.01) * dice.Between(7, 10);
}

double HubRateOf(Dice& dice, Planted planted) {
  return planted == Planted::kWrongClocks ? 1.5 : RateOf(dice);
}

double MachineRateOf(Dice& dice, Planted planted) {
  return planted == Planted::kWrongClocks ? 0.5 : RateOf(dice);
}

// Often as short as it may be (§4.2): lease_ttl * 1.1 + 30 s. Then the clocks matter.
absl::Duration LostAfterOf(Dice& dice, Planted planted) {
  if (planted == Planted::kWrongClocks) return absl::Seconds(96);
  return dice.Percent(50) ? absl::Minutes(5) : absl::Seconds(96);
}

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      dice_(options.seed),
      clock_dice_(options.seed ^ 0x5eedc10c),
      hub_clock_(now_, HubRateOf(clock_dice_, options.planted)),
      store_(witness_),
      hub_(
          store_, witness_, options.planted, LostAfterOf(clock_dice_, options.planted),
          [this](Fault f) { return Strikes(f); },
          options.print ? [this](const std::string& line) { Print(line); }
                        : std::function<void(const std::string&)>()) {
  // Each seed has a weather of its own, so that some faults come in swarms and others not at all.
  const auto set = [this](Fault fault, double chance) {
    chance_[static_cast<size_t>(fault)] = dice_.Percent(70) ? chance * (1 + dice_.Below(4)) : 0;
  };
  set(Fault::kHubCrash, 0.2);  // of the steps, and of the moments while it sends
  set(Fault::kAgentCrash, 0.4);
  set(Fault::kMachineRestart, 0.2);
  set(Fault::kStateLost, 0.15);
  set(Fault::kCut, 0.6);
  set(Fault::kPartition, 0.3);
  set(Fault::kLateDelivery, 25);  // of what is left of an ended session
  set(Fault::kDuplicate, 0.8);
  set(Fault::kDecline, 5);  // of the offers
  set(Fault::kCancel, 0.4);
  set(Fault::kRetry, 1);
  set(Fault::kDrain, 0.3);
  pipelines_left_ = dice_.Between(2, 4);
  MakeAgents();
}

void World::MakeAgents() {
  const int count = dice_.Percent(20) ? 1 : dice_.Between(2, 3);
  for (int i = 0; i < count; ++i) {
    schedule::AgentAdded agent;
    agent.id = AgentId(next_id_++);
    agent.name = agent.id.ToString();
    agent.slots = dice_.Between(1, 2);
    // The first can run everything, so that every job can come to an end.
    if (i == 0 || dice_.Percent(60)) agent.tags = {"x"};
    agent.run_untagged = i == 0 || dice_.Percent(80);
    store_.AddAgent(agent);
    machines_.push_back(std::make_unique<Machine>(witness_, dice_));
    agents_.push_back(std::make_unique<FakeAgent>(agent.id, agent.slots, *machines_.back(),
                                                  options_.planted,
                                                  [this](Fault f) { return Strikes(f); }));
    restarted_.push_back(false);
    clocks_.emplace_back(now_, MachineRateOf(clock_dice_, options_.planted));
  }
}

schedule::PipelineAdded World::MakePipeline() {
  schedule::PipelineAdded pipeline;
  pipeline.id = PipelineId(next_id_++);
  pipeline.project = ProjectId(1);
  pipeline.project_name = "site";
  const int stages = dice_.Between(1, 3);
  for (int s = 0; s < stages; ++s) pipeline.stages.push_back(absl::StrCat("s", s));
  const int jobs = dice_.Between(1, 5);
  for (int i = 0; i < jobs; ++i) {
    JobNode job;
    job.id = JobId(next_id_++);
    job.name = absl::StrCat("job", job.id.value());
    job.stage = dice_.Between(0, stages - 1);
    if (dice_.Percent(35)) {
      constexpr When kWhens[] = {When::kOnFailure, When::kAlways, When::kManual, When::kDelayed};
      job.when = kWhens[dice_.Below(4)];
      job.start_in = absl::Seconds(dice_.Between(1, 90));
    }
    job.allow_failure.always = dice_.Percent(20);
    if (dice_.Percent(10)) job.allow_failure.exit_codes = {42};
    if (dice_.Percent(25)) {
      job.has_needs = true;
      for (const JobNode& earlier : pipeline.jobs) {
        if (earlier.stage <= job.stage && dice_.Percent(40))
          job.needs.push_back({earlier.id, false});
      }
    }
    if (dice_.Percent(25)) job.tags = {"x"};
    if (dice_.Percent(50)) {
      job.retry.max = dice_.Between(1, 2);
      if (dice_.Percent(60)) {
        for (const FailureReason reason :
             {FailureReason::kScriptFailure, FailureReason::kAgentLost, FailureReason::kAgentForgot,
              FailureReason::kAgentCrash, FailureReason::kHostRestart, FailureReason::kLeaseLost,
              FailureReason::kAgentDrained}) {
          if (dice_.Percent(60)) job.retry.when.push_back(reason);
        }
        if (dice_.Percent(30)) job.retry.exit_codes = {42};
      }
    }
    job.stop_on_disconnect = dice_.Percent(40);
    pipeline.jobs.push_back(job);
  }
  return pipeline;
}

}  // namespace grange::sim
