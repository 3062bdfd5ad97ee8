#include "tests/sim/hub.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/span/byte_range.h"
#include "tests/sim/describe.h"

namespace grange::sim {

using schedule::Decision;
using schedule::SendWelcome;

void Hub::Start(absl::Time now) {
  schedule::SchedulerOptions options;
  options.highest_fence = store_.highest_fence();
  options.check_fences = checks_fences();
  options.lost_after = lost_after_;
  scheduler_ = std::make_unique<schedule::Scheduler>(options);
  next_session_ = 1;
  for (const auto& [id, agent] : store_.agents()) {
    if (agent.draining) witness_.Drains(id);
    Apply(agent, now);
  }
  for (const auto& [id, pipeline] : store_.pipelines()) {
    if (!lifecycle::IsFinal(pipeline.state)) Apply(store_.Restored(id), now);
  }
}

void Hub::Crash() {
  if (print_) print_("hub: crash");
  scheduler_.reset();
  batch_.clear();
  sessions_.clear();
  waiting_.clear();
  drains_.clear();
  counters_.clear();
  store_.Crash();
  witness_.HubCrashed();
}

void Hub::Apply(const schedule::Event& event, absl::Time now) {
  if (print_) print_(absl::StrCat("hub: ", Describe(event)));
  std::vector<Decision> decisions = scheduler_->Apply(event, now);
  std::ranges::move(decisions, std::back_inserter(batch_));
}

void Hub::Drain(AgentId agent, absl::Duration stop_after, absl::Time now) {
  Apply(schedule::AgentDrainChanged{agent, true, stop_after}, now);
  drains_.push_back(agent);
}

void Hub::Handle(Connection& connection, const ToHub& message, absl::Time now) {
  if (const auto* hello = std::get_if<Hello>(&message)) return On(connection, *hello, now);
  if (!connection.session.is_set()) return;
  const AgentId agent = connection.agent;
  const schedule::SessionId session = connection.session;
  if (const auto* accept = std::get_if<Accept>(&message)) {
    Apply(schedule::JobAccepted{agent, session, accept->assignment}, now);
  } else if (const auto* decline = std::get_if<Decline>(&message)) {
    Apply(schedule::JobDeclined{agent, session, decline->assignment, decline->reason}, now);
  } else if (const auto* started = std::get_if<Started>(&message)) {
    Apply(schedule::JobStarted{agent, session, started->assignment}, now);
  } else if (const auto* result = std::get_if<Result>(&message)) {
    On(connection, *result, now);
  } else if (const auto* chunk = std::get_if<Chunk>(&message)) {
    On(connection, *chunk, now);
  }
}

void Hub::On(Connection& connection, const Hello& hello, absl::Time now) {
  if (!IsNewer(connection.agent, hello.counter)) {
    if (connection.session.is_set()) return;  // the same Hello twice
    connection.hub_open = false;
    return;
  }
  if (const auto older = sessions_.find(connection.agent); older != sessions_.end()) {
    older->second->hub_open = false;
  }
  sessions_[connection.agent] = &connection;
  connection.session = schedule::SessionId(next_session_++);
  const int slots = store_.agents().at(connection.agent).slots;
  Apply(schedule::AgentConnected{connection.agent, connection.session, slots, hello.jobs}, now);
}

bool Hub::IsNewer(AgentId agent, uint64_t counter) {
  if (planted_ != Planted::kCounterInMemoryOnly) {
    return store_.AdvanceSessionCounter(agent, counter);
  }
  uint64_t& highest = counters_[agent];
  if (counter <= highest) return false;
  highest = counter;
  return true;
}

void Hub::On(Connection& connection, const Result& result, absl::Time now) {
  const FakeStore::Trace* trace = store_.OpenTrace(result.assignment, checks_fences());
  if (trace != nullptr && trace->bytes.size() < result.ending.trace_bytes) {
    connection.trace_to_agent.push_back(Resume{result.assignment, trace->bytes.size()});
    waiting_.push_back({connection.session, result});
    return;
  }
  PostResult(connection, result, now);
}

void Hub::On(Connection& connection, const Chunk& chunk, absl::Time now) {
  if (!IsCurrent(connection)) return;
  FakeStore::Trace* trace = store_.OpenTrace(chunk.assignment, checks_fences());
  if (trace == nullptr) return;
  if (planted_ == Planted::kAppendWithoutOffset) {
    trace->bytes += chunk.bytes;
    return;
  }
  const span::Placement place = span::Place(trace->bytes.size(), chunk.offset, chunk.bytes);
  switch (place.fit) {
    case span::Fit::kDuplicate:
      return;
    case span::Fit::kGap:
      connection.trace_to_agent.push_back(Resume{chunk.assignment, trace->bytes.size()});
      return;
    case span::Fit::kAppend:
      trace->bytes.append(place.fresh.data(), place.fresh.size());
      break;
  }
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i].session != connection.session) continue;
    if (waiting_[i].result.assignment != chunk.assignment) continue;
    if (trace->bytes.size() < waiting_[i].result.ending.trace_bytes) continue;
    const Result result = waiting_[i].result;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    return PostResult(connection, result, now);
  }
}

void Hub::PostResult(const Connection& connection, const Result& result, absl::Time now) {
  SyncTraces();
  Apply(schedule::JobFinished{connection.agent, connection.session, result.assignment,
                              result.ending.reason, result.ending.exit_code},
        now);
}

void Hub::SyncTraces() {
  for (const auto& [id, trace] : store_.traces()) {
    if (trace.ended || trace.durable == trace.bytes.size()) continue;
    if (FakeStore::Trace* open = store_.OpenTrace({id.job, id.attempt, trace.fence}, true)) {
      open->durable = open->bytes.size();
    }
  }
}

bool Hub::IsCurrent(const Connection& connection) const {
  const auto found = sessions_.find(connection.agent);
  return found != sessions_.end() && found->second == &connection;
}

void Hub::SessionEnds(Connection& connection, absl::Time now) {
  connection.hub_open = false;
  std::erase_if(waiting_, [&](const WaitingResult& w) { return w.session == connection.session; });
  if (!IsCurrent(connection)) return;
  sessions_.erase(connection.agent);
  Apply(schedule::AgentDisconnected{connection.agent, connection.session}, now);
}

bool Hub::Commit() {
  if (batch_.empty() && drains_.empty()) return false;
  if (strikes_(Fault::kHubCrash)) {
    Crash();
    return true;
  }
  const std::vector<Decision> batch = std::move(batch_);
  batch_.clear();
  if (print_) {
    for (const Decision& decision : batch) print_(absl::StrCat("commit: ", Describe(decision)));
  }
  CheckCancels(batch);
  store_.Commit(batch);
  for (const AgentId agent : std::exchange(drains_, {})) {
    if (store_.agents().at(agent).draining) witness_.Drains(agent);  // else it has ended meanwhile
  }
  for (const Decision& decision : batch) {
    if (strikes_(Fault::kHubCrash)) {
      Crash();
      return true;
    }
    Send(decision);
  }
  return true;
}

// What a person wants by force stays so, whoever repeats it.
void Hub::CheckCancels(const std::vector<Decision>& batch) {
  for (const Decision& decision : batch) {
    const auto* cancel = std::get_if<schedule::SendCancel>(&decision);
    if (cancel == nullptr || cancel->force) continue;
    const schedule::StoreJob& before = store_.jobs().at(cancel->assignment.job);
    if (!before.cancel_by_force || before.attempt != cancel->assignment.attempt) continue;
    witness_.Fail(absl::StrCat("cancel: ", cancel->assignment.ToString(),
                               " was to be killed, and is only asked to stop"));
  }
}

void Hub::Send(const Decision& decision) {
  std::visit(
      [this](const auto& send) {
        if constexpr (requires { send.session; }) {
          const auto found = sessions_.find(send.agent);
          if (found == sessions_.end() || found->second->session != send.session) return;
          if (found->second->cut) return;
          found->second->control_to_agent.push_back(send);
          if constexpr (std::is_same_v<std::decay_t<decltype(send)>, SendWelcome>) {
            SendResumes(*found->second, send);
          }
        }
      },
      decision);
}

void Hub::SendResumes(Connection& connection, const SendWelcome& welcome) {
  for (const SendWelcome::JobVerdict& verdict : welcome.verdicts) {
    if (verdict.verdict != SendWelcome::Verdict::kGoOn) continue;
    const FakeStore::Trace* trace = store_.OpenTrace(verdict.assignment, checks_fences());
    if (trace == nullptr) continue;
    // With the Welcome, so that nothing of the trace is sent before it.
    connection.control_to_agent.push_back(Resume{verdict.assignment, trace->bytes.size()});
  }
}

}  // namespace grange::sim
