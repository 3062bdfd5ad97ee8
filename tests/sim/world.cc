#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tests/sim/describe.h"

namespace grange::sim {
namespace {

constexpr absl::Duration kHeartbeat = absl::Seconds(10);
constexpr absl::Duration kSilence = absl::Seconds(30);
constexpr int kHealingMax = 20'000;  // steps; far more than any seed needs

}  // namespace

Outcome World::Run() {
  while (outcome_.events < options_.steps && witness_.violation().empty()) {
    if (Step()) ++outcome_.events;
    Sweep();
  }
  outcome_.seen = witness_.tally();
  if (witness_.violation().empty()) Heal();
  if (witness_.violation().empty()) CheckEnd();
  outcome_.violation = witness_.violation();
  return outcome_;
}

bool World::Step() {
  if (pipelines_left_ > 0 && store_.jobs().empty()) return StartOne() || SubmitPipeline();
  if (Trouble()) return true;
  for (int tries = 0; tries < 50; ++tries) {
    if (OrdinaryStep()) return true;
  }
  return false;
}

bool World::OrdinaryStep() {
  switch (dice_.Below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return DeliverToHub();
    case 4:
    case 5:
    case 6:
    case 7:
      return DeliverToAgent();
    case 8:
    case 9:
    case 10:
      return CommitBatch();
    case 11:
    case 12:
    case 13:
      return WorkOne();
    case 14:
      return RunScript();
    case 15:
      return NoticeEnds();
    case 16:
      return ConnectOne();
    case 17:
      return StartOne();
    case 18:
      Advance(absl::Milliseconds(dice_.Between(1, 2000)));
      return true;
    default:
      if (!dice_.Percent(2)) return false;
      Advance(absl::Seconds(dice_.Percent(80) ? dice_.Between(2, 60) : dice_.Between(60, 900)));
      return true;
  }
}

bool World::DeliverToHub() {
  if (!hub_.up() || connections_.empty()) return false;
  Connection& c = *connections_[dice_.Below(connections_.size())];
  if (IsSilent(c)) return false;
  std::deque<ToHub>& queue = dice_.Percent(60) ? c.control_to_hub : c.trace_to_hub;
  if (queue.empty()) return false;
  const ToHub message = std::move(queue.front());
  queue.pop_front();
  const bool late = c.session.is_set() && !hub_.IsCurrent(c);
  if (!c.hub_open && !late) return true;                    // a session that never began
  if (late && !Strikes(Fault::kLateDelivery)) return true;  // the sessions' door drops it
  if (!late) c.heard_at = now_;
  if (options_.print)
    Print(absl::StrCat("hub: gets ", c.agent.ToString(), " ", c.session.ToString(), " ",
                       Describe(message)));
  hub_.Handle(c, message, HubNow());
  if (dice_.Percent(60)) CommitBatch();
  return true;
}

bool World::DeliverToAgent() {
  const size_t i = dice_.Below(agents_.size());
  FakeAgent& agent = *agents_[i];
  Connection* c = agent.connection();
  if (!agent.up() || c == nullptr || IsSilent(*c)) return false;
  std::deque<ToAgent>& queue = dice_.Percent(70) ? c->control_to_agent : c->trace_to_agent;
  if (queue.empty()) return false;
  const ToAgent message = std::move(queue.front());
  queue.pop_front();
  c->heard_at = now_;
  if (options_.print) Print(absl::StrCat(agent.id().ToString(), ": gets ", Describe(message)));
  agent.Handle(message, NowOf(i));
  return true;
}

// Each side learns of the end of a connection after it has read what got through.
bool World::NoticeEnds() {
  bool any = false;
  for (const std::unique_ptr<Connection>& c : connections_) {
    if (IsSilent(*c)) continue;
    const bool read_by_hub = c->control_to_hub.empty() && c->trace_to_hub.empty();
    if (hub_.up() && c->hub_open && (c->cut || !c->agent_open) && read_by_hub) {
      hub_.SessionEnds(*c, HubNow());
      any = true;
    }
    const bool read_by_agent = c->control_to_agent.empty() && c->trace_to_agent.empty();
    if (!c->agent_open || !(c->cut || !c->hub_open) || !read_by_agent) continue;
    for (const std::unique_ptr<FakeAgent>& agent : agents_) {
      if (agent->connection() == c.get()) agent->Disconnect();
    }
    any = true;
  }
  return any;
}

bool World::ConnectOne() {
  if (!hub_.up()) return false;
  const size_t i = dice_.Below(agents_.size());
  FakeAgent& agent = *agents_[i];
  if (!agent.up() || agent.connection() != nullptr) return false;
  for (const std::unique_ptr<Connection>& c : connections_) {
    if (c->agent == agent.id() && IsSilent(*c)) return false;  // the line is dead
  }
  connections_.push_back(std::make_unique<Connection>());
  connections_.back()->heard_at = now_;
  agent.Connect(*connections_.back(), NowOf(i));
  return true;
}

bool World::StartOne() {
  if (!hub_.up()) {
    hub_.Start(HubNow());
    return true;
  }
  const size_t i = dice_.Below(agents_.size());
  if (agents_[i]->up()) return false;
  agents_[i]->Start(restarted_[i]);
  restarted_[i] = false;
  return true;
}

bool World::WorkOne() {
  const size_t i = dice_.Below(agents_.size());
  return agents_[i]->Work(NowOf(i), dice_);
}

bool World::RunScript() { return machines_[dice_.Below(machines_.size())]->RunOne(); }

bool World::CommitBatch() {
  if (!hub_.up()) return false;
  if (dice_.Percent(30)) hub_.SyncTraces();
  if (!hub_.Commit()) return false;
  if (!hub_.up()) HubIsGone();  // it has crashed on the way
  return true;
}

void World::Advance(absl::Duration by) {
  const absl::Time end = now_ + by;
  while (now_ < end) {
    absl::Time next = std::min(end, now_ + kHeartbeat);
    if (hub_.up()) {
      next = std::min(next, std::max(now_, hub_clock_.When(hub_.scheduler().NextDeadline())));
    }
    now_ = next;
    Heartbeats();
    for (size_t i = 0; i < machines_.size(); ++i) machines_[i]->CheckLeases(NowOf(i));
    if (hub_.up() && hub_.scheduler().NextDeadline() <= HubNow()) {
      hub_.Apply(schedule::Tick{}, HubNow());
    }
  }
}

// A line that works carries heartbeats both ways; one that has been silent for too long is given
// up by both sides.
void World::Heartbeats() {
  for (const std::unique_ptr<Connection>& c : connections_) {
    if (!c->hub_open && !c->agent_open) continue;
    if (!IsSilent(*c) && !c->cut) {
      if (!hub_.up() || !c->hub_open || !c->agent_open || !c->welcomed) continue;
      c->heard_at = now_;
      const size_t i = MachineOf(c->agent);
      if (agents_[i]->connection() == c.get()) agents_[i]->Acknowledged(NowOf(i), NowOf(i));
      continue;
    }
    const size_t i = MachineOf(c->agent);
    const bool hub_ends = HubNow() - hub_clock_.Shown(c->heard_at) >= kSilence;
    const bool agent_ends = NowOf(i) - clocks_[i].Shown(c->heard_at) >= kSilence;
    if (hub_ends || agent_ends) c->cut = true;
    if (hub_ends && hub_.up() && c->hub_open) hub_.SessionEnds(*c, HubNow());
    if (agent_ends && agents_[i]->connection() == c.get()) agents_[i]->Disconnect();
  }
}

void World::Sweep() {
  std::erase_if(connections_, [this](const std::unique_ptr<Connection>& c) {
    if (c->hub_open || c->agent_open || IsSilent(*c)) return false;
    // What an ended session has left may still arrive late.
    return c->control_to_hub.empty() && c->trace_to_hub.empty();
  });
}

void World::Heal() {
  healing_ = true;
  while (pipelines_left_ > 0) {
    StartOne();
    SubmitPipeline();
  }
  for (const std::unique_ptr<Connection>& c : connections_) c->silent_until = now_;
  for (const std::unique_ptr<FakeAgent>& agent : agents_) SetDraining(agent->id(), false);
  int idle = 0;
  for (int step = 0; step < kHealingMax && !HasEnded(); ++step) {
    bool any = false;
    any |= StartOne();
    any |= ConnectOne();
    any |= DeliverToHub();
    any |= DeliverToAgent();
    any |= WorkOne();
    any |= RunScript();
    any |= NoticeEnds();
    any |= CommitBatch();
    Sweep();
    idle = any ? 0 : idle + 1;
    if (idle < 30) continue;
    idle = 0;
    for (const auto& [id, row] : store_.jobs()) {
      if (row.state != lifecycle::JobState::kManual) continue;
      Ask(schedule::PlayJob{id});
      break;
    }
    Advance(kHeartbeat);
    if (!witness_.violation().empty()) return;
  }
}

bool World::HasEnded() const {
  if (!hub_.up() || hub_.has_batch()) return false;
  for (const auto& [id, pipeline] : store_.pipelines()) {
    if (!lifecycle::IsFinal(pipeline.state)) return false;
  }
  return std::ranges::all_of(machines_, [](const auto& machine) { return machine->IsQuiet(); });
}

void World::CheckEnd() {
  for (const auto& [id, pipeline] : store_.pipelines()) {
    if (lifecycle::IsFinal(pipeline.state)) continue;
    witness_.Fail(absl::StrCat("P1: ", id.ToString(), " does not end; it is ",
                               lifecycle::PipelineStateName(pipeline.state)));
  }
  for (const auto& [id, job] : store_.jobs()) {
    const bool held = job.state == lifecycle::JobState::kManual;
    if (lifecycle::IsFinal(job.state) || held) continue;
    witness_.Fail(absl::StrCat("P1: ", id.ToString(), " does not end; it is ",
                               lifecycle::JobStateName(job.state)));
  }
  for (const std::unique_ptr<Machine>& machine : machines_) {
    if (!machine->IsQuiet()) witness_.Fail("an agent still holds a job when all has ended");
  }
}

void World::Print(const std::string& what) {
  if (!options_.print) return;
  std::printf("%5d %s %s\n", outcome_.events,
              absl::FormatTime("%H:%M:%E1S", now_, absl::UTCTimeZone()).c_str(), what.c_str());
}

}  // namespace grange::sim
