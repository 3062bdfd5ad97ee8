#include "tests/sim/fake_agent.h"

#include <algorithm>
#include <utility>

namespace grange::sim {

using lifecycle::FailureReason;

void FakeAgent::Start(bool machine_was_restarted) {
  up_ = true;
  for (auto& [id, record] : machine_.records) {
    const bool started = record.phase == Phase::kStarting || record.phase == Phase::kRunning;
    if (!started) continue;
    if (machine_.HasShim(id)) {
      record.phase = Phase::kRunning;
    } else if (planted_ == Planted::kStartAgainAfterCrash) {
      record.phase = Phase::kAccepted;
      granted_.insert(id);
    } else {  // it may have run: never again
      Finish(record,
             {machine_was_restarted ? FailureReason::kHostRestart : FailureReason::kAgentCrash, 0,
              machine_.spools[id]});
    }
  }
}

void FakeAgent::Crash() {
  up_ = false;
  Disconnect();
  granted_.clear();
  lease_ = absl::InfinitePast();
  draining_ = false;
  drain_until_ = absl::InfiniteFuture();
}

void FakeAgent::Connect(Connection& connection, absl::Time now) {
  Hello hello{++machine_.session_counter, {}};
  for (const auto& [id, record] : machine_.records) {
    hello.jobs.push_back({record.assignment, record.phase});
  }
  connection.agent = id_;
  connection.opened_at = now;
  connection_ = &connection;
  Send(std::move(hello));
}

void FakeAgent::Disconnect() {
  if (connection_ != nullptr) connection_->agent_open = false;
  connection_ = nullptr;
  sent_.clear();
  may_send_.clear();
}

void FakeAgent::Handle(const ToAgent& message, absl::Time now) {
  if (const auto* welcome = std::get_if<schedule::SendWelcome>(&message)) {
    On(*welcome, now);
  } else if (const auto* offer = std::get_if<schedule::SendOffer>(&message)) {
    On(*offer);
  } else if (const auto* start = std::get_if<schedule::SendStart>(&message)) {
    Grant(start->assignment);
  } else if (const auto* cancel = std::get_if<schedule::SendCancel>(&message)) {
    Cancel(cancel->assignment);
  } else if (const auto* forget = std::get_if<schedule::SendForget>(&message)) {
    Forget(forget->assignment);
  } else if (const auto* revoke = std::get_if<schedule::SendRevoke>(&message)) {
    Revoke(revoke->assignment);
  } else if (const auto* drain = std::get_if<schedule::SendDrain>(&message)) {
    draining_ = !drain->resume;
    drain_until_ = draining_ ? now + drain->left : absl::InfiniteFuture();
  } else if (const auto* resume = std::get_if<Resume>(&message)) {
    if (Held(resume->assignment) != nullptr) {
      sent_[IdOf(resume->assignment)] = resume->offset;
      may_send_.insert(IdOf(resume->assignment));
    }
  }
}

void FakeAgent::Acknowledged(absl::Time sent, absl::Time now) {
  lease_ = (planted_ == Planted::kLeaseFromAckArrival ? now : sent) + LeaseTtl();
  machine_.ExtendLeases(lease_);
}

absl::Duration FakeAgent::LeaseTtl() const {
  return planted_ == Planted::kLeaseLongerThanLostAfter ? absl::Hours(1) : absl::Seconds(60);
}

void FakeAgent::On(const schedule::SendWelcome& welcome, absl::Time now) {
  using Verdict = schedule::SendWelcome::Verdict;
  connection_->welcomed = true;
  drain_until_ = absl::InfiniteFuture();
  draining_ = false;  // a Drain stands for its session; if it is still wanted it comes again
  // Counted from when the Hello was sent, not from when it was answered.
  lease_ = std::max(lease_, connection_->opened_at + LeaseTtl());
  if (lease_ > now) machine_.ExtendLeases(lease_);
  for (const schedule::SendWelcome::JobVerdict& verdict : welcome.verdicts) {
    switch (verdict.verdict) {
      case Verdict::kForget:
        Forget(verdict.assignment);
        break;
      case Verdict::kRevoke:
        Revoke(verdict.assignment);
        break;
      case Verdict::kStart:  // a JobStart follows
        break;
      case Verdict::kGoOn:
        if (const Record* record = Held(verdict.assignment)) {
          if (record->phase == Phase::kFinished) {
            Send(Result{record->assignment, record->ending});
          }
        }
        break;
    }
  }
}

void FakeAgent::On(const schedule::SendOffer& offer) {
  const AttemptId id = IdOf(offer.assignment);
  const auto found = machine_.records.find(id);
  if (found != machine_.records.end()) {
    if (found->second.assignment == offer.assignment) return;  // repeated
    if (found->second.phase != Phase::kAccepted) {
      return Send(Decline{offer.assignment, "holds an older assignment"});
    }
  }
  if (draining_) return Send(Decline{offer.assignment, "draining"});
  if (static_cast<int>(machine_.records.size()) >= slots_ + 2 || strikes_(Fault::kDecline)) {
    return Send(Decline{offer.assignment, "disk full"});
  }
  granted_.erase(id);
  machine_.records[id] = {Phase::kAccepted, offer.assignment, {}};
  if (strikes_(Fault::kAgentCrash)) return Crash();
  if (planted_ == Planted::kStartBeforeGrant) granted_.insert(id);
  Send(Accept{offer.assignment});
}

void FakeAgent::Grant(const Assignment& assignment) {
  const Record* record = Held(assignment);
  if (record != nullptr && record->phase == Phase::kAccepted) granted_.insert(IdOf(assignment));
}

void FakeAgent::Cancel(const Assignment& assignment) {
  Record* record = Held(assignment);
  if (record == nullptr) return;
  const AttemptId id = IdOf(assignment);
  if (record->phase == Phase::kAccepted) {
    granted_.erase(id);
    Finish(*record, {FailureReason::kCanceled, 0, 0});
    if (strikes_(Fault::kAgentCrash)) return Crash();
    Send(Result{record->assignment, record->ending});
  } else {
    machine_.Stop(id, FailureReason::kCanceled);
  }
}

void FakeAgent::Forget(const Assignment& assignment) {
  const Record* record = Held(assignment);
  if (record != nullptr && record->phase == Phase::kFinished) machine_.Remove(IdOf(assignment));
}

void FakeAgent::Revoke(const Assignment& assignment) {
  if (Held(assignment) == nullptr) return;
  granted_.erase(IdOf(assignment));
  may_send_.erase(IdOf(assignment));
  machine_.Remove(IdOf(assignment));
}

Record* FakeAgent::Held(const Assignment& assignment) {
  const auto found = machine_.records.find(IdOf(assignment));
  if (found == machine_.records.end() || found->second.assignment != assignment) return nullptr;
  return &found->second;
}

bool FakeAgent::Work(absl::Time now, Dice& dice) {
  if (!up_) return false;
  if (now >= drain_until_ && StopDrained()) return true;
  switch (dice.Below(3)) {
    case 0:
      for (const AttemptId& id : granted_) {
        Record& record = machine_.records.at(id);
        if (machine_.StopsOnDisconnect(id) && now >= lease_) continue;
        StartScript(record);
        return true;
      }
      return NoticeOne() || SendTrace(dice);
    case 1:
      return NoticeOne() || SendTrace(dice);
    default:
      return SendTrace(dice);
  }
}

// At the deadline of a drain: one job that still runs, or is yet to start. Noticing its end is
// another step.
bool FakeAgent::StopDrained() {
  for (auto& [id, record] : machine_.records) {
    if (record.phase == Phase::kAccepted && granted_.erase(id) > 0) {
      Finish(record, {FailureReason::kAgentDrained, 0, 0});
      Send(Result{record.assignment, record.ending});
      return true;
    }
    const Shim* shim = record.phase == Phase::kRunning ? machine_.Find(id) : nullptr;
    if (shim == nullptr || shim->ended) continue;
    machine_.Stop(id, FailureReason::kAgentDrained);
    return true;
  }
  return false;
}

void FakeAgent::StartScript(Record& record) {
  const AttemptId id = IdOf(record.assignment);
  const Assignment assignment = record.assignment;
  granted_.erase(id);
  record.phase = Phase::kStarting;
  if (strikes_(Fault::kAgentCrash)) return Crash();
  machine_.Fork(id, lease_);
  may_send_.insert(id);
  if (strikes_(Fault::kAgentCrash)) return Crash();
  record.phase = Phase::kRunning;
  if (strikes_(Fault::kAgentCrash)) return Crash();
  Send(Started{assignment});
}

void FakeAgent::Finish(Record& record, const Ending& ending) {
  record.phase = Phase::kFinished;
  record.ending = ending;
  machine_.WroteEnd(IdOf(record.assignment), ending);
}

bool FakeAgent::NoticeOne() {
  for (auto& [id, record] : machine_.records) {
    if (record.phase != Phase::kRunning) continue;
    const Shim* shim = machine_.Find(id);
    if (shim == nullptr || !shim->ended) continue;
    Finish(record, shim->ending);
    if (strikes_(Fault::kAgentCrash)) {
      Crash();
      return true;
    }
    Send(Result{record.assignment, record.ending});
    return true;
  }
  return false;
}

bool FakeAgent::SendTrace(Dice& dice) {
  if (connection_ == nullptr || !connection_->welcomed) return false;
  for (const AttemptId& id : may_send_) {
    const auto record = machine_.records.find(id);
    if (record == machine_.records.end()) continue;
    const size_t have = machine_.spools[id];
    size_t& sent = sent_[id];
    if (sent >= have) continue;
    const size_t bytes = 1 + dice.Below(have - sent);
    connection_->trace_to_hub.push_back(
        Chunk{record->second.assignment, sent, TraceOf(id, sent + bytes).substr(sent)});
    sent += bytes;
    return true;
  }
  return false;
}

void FakeAgent::Send(ToHub message) {
  if (connection_ != nullptr && !connection_->cut) {
    connection_->control_to_hub.push_back(std::move(message));
  }
}

}  // namespace grange::sim
