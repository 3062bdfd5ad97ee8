#include "tools/bench/swarm/swarm_agent.h"

#include <algorithm>
#include <utility>

#include "common/base/crc32c.h"
#include "common/os/deadline.h"
#include "common/os/random.h"
#include "common/os/sha256.h"
#include "common/rpc/channel.h"

namespace grange::bench {
namespace {

constexpr int kProtocol = 1;
constexpr absl::Duration kReconnectFirst = absl::Milliseconds(500);  // as agents have it
constexpr absl::Duration kWelcomeMax = absl::Seconds(30);
constexpr absl::Duration kHealthy = absl::Seconds(60);
constexpr size_t kFloodWaiting = 16;  // messages of a flood that wait for the stream
constexpr size_t kFloodChunkBytes = 64 << 10;

uint64_t RandomNumber() {
  uint64_t number = 0;
  for (const char c : os::RandomBytes(8)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

SwarmAgent::SwarmAgent(os::EventLoop& loop, session::CompletionLoop& completions,
                       const SwarmOptions& options, SwarmCounter& counter, Identity identity)
    : loop_(loop),
      completions_(completions),
      options_(options),
      counter_(counter),
      identity_(std::move(identity)),
      instance_id_(os::RandomBytes(16)),
      answer_(options.answer),
      backoff_(kReconnectFirst, options.reconnect_max) {}

SwarmAgent::~SwarmAgent() {
  if (timer_ != 0) loop_.Cancel(timer_);
}

void SwarmAgent::Connect() {
  wanted_ = true;
  if (control_ != nullptr) return;
  if (stub_ == nullptr) {
    stub_ = v1::AgentHub::NewStub(rpc::MakeChannel({.address = options_.address,
                                                    .ca_pem = options_.ca_pem,
                                                    .insecure = options_.ca_pem.empty()})
                                      .value());
  }
  if (timer_ != 0) loop_.Cancel(std::exchange(timer_, 0));
  const uint64_t generation = ++generation_;
  welcomed_ = false;
  auto context = std::make_unique<grpc::ClientContext>();
  rpc::AddBearer(*context, identity_.credential);
  ++live_links_;
  control_ = ControlLink::Start(
      completions_, std::move(context),
      [this](auto* c, auto* queue) { return stub_->PrepareAsyncControl(c, queue); },
      {.on_message =
           [this, generation](const v1::HubMsg& message) {
             if (generation == generation_) OnMessage(message);
           },
       .on_written =
           [this, generation] {
             if (generation == generation_) Pump();
           },
       .on_end = [this, generation](const grpc::Status& s) { OnLinkEnd(generation, s); }});
  v1::AgentMsg message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_agent_id(identity_.id);
  hello.set_instance_id(instance_id_);
  hello.set_session_counter(++counter_of_sessions_);
  hello.set_protocol_min(kProtocol);
  hello.set_protocol_max(kProtocol);
  hello.mutable_capacity()->set_slots(options_.slots);
  hello.mutable_capacity()->set_run_untagged(true);
  for (const auto& [id, job] : jobs_) {
    v1::JobReport& report = *hello.add_jobs();
    *report.mutable_assignment() = job.assignment;
    report.set_phase(job.phase);
  }
  last_heard_ = os::SinceBoot();
  Send(std::move(message));
  WatchForWelcome();
}

void SwarmAgent::WatchForWelcome() {
  timer_ = loop_.After(kWelcomeMax, [this] {
    timer_ = 0;
    EndSession("no welcome in time");
  });
}

void SwarmAgent::Disconnect() {
  wanted_ = false;
  EndSession("");
  stub_ = nullptr;  // another connection next time, and not gRPC's waiting for this one
  backoff_.Reset();
}

void SwarmAgent::OpenTrace(const std::string& session_id) {
  auto context = std::make_unique<grpc::ClientContext>();
  rpc::AddBearer(*context, identity_.credential);
  ++live_links_;
  trace_ = TraceLink::Start(
      completions_, std::move(context),
      [this](auto* c, auto* queue) { return stub_->PrepareAsyncTrace(c, queue); },
      {.on_message = [this](const v1::TraceReply&) { last_heard_ = os::SinceBoot(); },
       .on_written =
           [this, generation = generation_] {
             if (generation == generation_) FloodTrace();
           },
       .on_end = [this, generation = generation_](
                     const grpc::Status& status) { OnLinkEnd(generation, status); }});
  auto first = std::make_shared<v1::TraceMsg>();
  first->set_session_id(session_id);
  trace_->Write(std::move(first));
}

void SwarmAgent::OnMessage(const v1::HubMsg& message) {
  last_heard_ = os::SinceBoot();
  switch (message.body_case()) {
    case v1::HubMsg::kWelcome:
      return OnWelcome(message.welcome());
    case v1::HubMsg::kOffer:
      return OnOffer(message.offer().assignment());
    case v1::HubMsg::kStart:
      return OnStart(message.start().assignment());
    case v1::HubMsg::kCancel: {
      const auto found = jobs_.find(message.cancel().assignment().job_id());
      if (found != jobs_.end()) Finish(found->second, v1::FAILURE_REASON_CANCELED);
      return;
    }
    case v1::HubMsg::kForget:
      return Forget(message.forget().assignment());
    case v1::HubMsg::kRevoke:
      return Forget(message.revoke().assignment());
    case v1::HubMsg::kGoingDown:
      return counter_.Count([](SwarmCounts& counts) {
        ++counts.going_downs;
        counts.last_going_down_at = os::SinceBoot();
      });
    default:
      return;
  }
}

void SwarmAgent::OnWelcome(const v1::Welcome& welcome) {
  if (std::exchange(welcomed_, true)) return;
  opened_at_ = os::SinceBoot();
  heartbeat_every_ = absl::Milliseconds(std::max<int64_t>(welcome.heartbeat_every_ms(), 100));
  silence_limit_ = absl::Milliseconds(std::max<int64_t>(welcome.silence_limit_ms(), 200));
  loop_.Cancel(std::exchange(timer_, 0));
  counter_.Count([this](SwarmCounts& counts) {
    ++counts.open;
    ++counts.welcomes;
    counts.last_welcome_at = opened_at_;
  });
  if (options_.trace_streams) OpenTrace(welcome.session_id());
  for (const v1::JobVerdict& verdict : welcome.verdicts()) {
    const auto found = jobs_.find(verdict.assignment().job_id());
    if (found == jobs_.end()) continue;
    if (verdict.kind() == v1::JobVerdict::KIND_FORGET ||
        verdict.kind() == v1::JobVerdict::KIND_REVOKE) {
      Forget(verdict.assignment());
    } else if (found->second.phase == v1::JobReport::PHASE_FINISHED) {
      SendResult(found->second, v1::FAILURE_REASON_NONE);
    }
  }
  Beat();
}

void SwarmAgent::OnOffer(const v1::Assignment& assignment) {
  const bool take = answer_ != OfferAnswer::kDecline;
  counter_.Count([take](SwarmCounts& counts) {
    if (counts.first_offer_at == absl::ZeroDuration()) counts.first_offer_at = os::SinceBoot();
    ++counts.offers;
    if (!take) ++counts.declined;
  });
  v1::AgentMsg message;
  if (!take) {
    *message.mutable_decline()->mutable_assignment() = assignment;
    message.mutable_decline()->set_reason("this agent takes no jobs");
    return Send(std::move(message));
  }
  jobs_[assignment.job_id()] = Job{.assignment = assignment};
  *message.mutable_accept()->mutable_assignment() = assignment;
  Send(std::move(message));
}

void SwarmAgent::OnStart(const v1::Assignment& assignment) {
  const auto found = jobs_.find(assignment.job_id());
  if (found == jobs_.end() || found->second.phase != v1::JobReport::PHASE_ACCEPTED) return;
  found->second.phase = v1::JobReport::PHASE_RUNNING;
  counter_.Count([](SwarmCounts& counts) { ++counts.held; });
  v1::AgentMsg message;
  *message.mutable_started()->mutable_assignment() = assignment;
  Send(std::move(message));
  if (answer_ == OfferAnswer::kRun) Finish(found->second, v1::FAILURE_REASON_NONE);
  if (flood_ == Swarm::Flood::kTrace) FloodTrace();
}

void SwarmAgent::FinishHeld() {
  for (auto& [id, job] : jobs_) {
    if (job.phase == v1::JobReport::PHASE_RUNNING) Finish(job, v1::FAILURE_REASON_NONE);
  }
}

void SwarmAgent::Finish(Job& job, v1::FailureReason reason) {
  if (job.phase == v1::JobReport::PHASE_FINISHED) return;
  const bool ran = job.phase == v1::JobReport::PHASE_RUNNING;
  job.phase = v1::JobReport::PHASE_FINISHED;
  counter_.Count([ran](SwarmCounts& counts) {
    if (ran) --counts.held;
  });
  if (welcomed_) SendResult(job, reason);
}

void SwarmAgent::SendResult(const Job& job, v1::FailureReason reason) {
  v1::AgentMsg message;
  v1::JobResult& result = *message.mutable_result();
  *result.mutable_assignment() = job.assignment;
  result.set_reason(reason);
  result.set_trace_sha256(os::Sha256Of(""));
  Send(std::move(message));
  counter_.Count([](SwarmCounts& counts) { ++counts.results; });
}

void SwarmAgent::Forget(const v1::Assignment& assignment) {
  const auto found = jobs_.find(assignment.job_id());
  if (found == jobs_.end()) return;
  const bool ran = found->second.phase == v1::JobReport::PHASE_RUNNING;
  jobs_.erase(found);
  counter_.Count([ran](SwarmCounts& counts) {
    ++counts.forgotten;
    if (ran) --counts.held;
  });
}

void SwarmAgent::OnLinkEnd(uint64_t generation, const grpc::Status& status) {
  --live_links_;
  if (generation == generation_ && control_ != nullptr) EndSession(status.error_message());
}

void SwarmAgent::EndSession(const std::string& why) {
  const absl::Duration now = os::SinceBoot();
  if (std::exchange(welcomed_, false)) {
    if (now - opened_at_ >= kHealthy) backoff_.Reset();
    counter_.Count([](SwarmCounts& counts) {
      --counts.open;
      ++counts.sessions_ended;
    });
  }
  if (!why.empty()) counter_.Count([&](SwarmCounts& counts) { counts.last_error = why; });
  outbox_.clear();
  if (control_ != nullptr) control_->Cancel();
  if (trace_ != nullptr) trace_->Cancel();
  control_ = nullptr;
  trace_ = nullptr;
  if (timer_ != 0) loop_.Cancel(std::exchange(timer_, 0));
  if (!wanted_) return;
  timer_ = loop_.After(backoff_.Next(RandomNumber()), [this] {
    timer_ = 0;
    Connect();
  });
}

// Also looks for silence: as late as one heartbeat, which is early enough here.
void SwarmAgent::Beat() {
  if (os::SinceBoot() - last_heard_ > silence_limit_) {
    return EndSession("nothing heard from the coordinator");
  }
  v1::AgentMsg message;
  message.mutable_heartbeat()->set_sent_at_ms(absl::ToInt64Milliseconds(os::SinceBoot()));
  message.mutable_heartbeat()->set_free_slots(options_.slots - static_cast<int>(jobs_.size()));
  Send(std::move(message));
  timer_ = loop_.After(heartbeat_every_, [this] {
    timer_ = 0;
    Beat();
  });
}

void SwarmAgent::Send(v1::AgentMsg message) {
  if (control_ == nullptr) return;
  outbox_.push_back(std::make_shared<const v1::AgentMsg>(std::move(message)));
  Pump();
}

void SwarmAgent::Pump() {
  if (flood_ == Swarm::Flood::kMessages) FillFlood();
  while (control_ != nullptr && !outbox_.empty()) {
    if (!welcomed_ && !outbox_.front()->has_hello()) return;
    if (!control_->Write(outbox_.front())) return;
    outbox_.pop_front();
  }
}

void SwarmAgent::StartFlood(Swarm::Flood flood) {
  flood_ = flood;
  Pump();
  FloodTrace();
}

void SwarmAgent::FillFlood() {
  if (!welcomed_) return;
  while (outbox_.size() < kFloodWaiting) {
    auto message = std::make_shared<v1::AgentMsg>();
    if (RandomNumber() % 2 == 0) {
      message->mutable_heartbeat()->set_sent_at_ms(absl::ToInt64Milliseconds(os::SinceBoot()));
    } else {
      v1::JobDecline& decline = *message->mutable_decline();
      decline.mutable_assignment()->set_job_id(1 +
                                               static_cast<int64_t>(RandomNumber() % 1'000'000));
      decline.mutable_assignment()->set_attempt(1);
      decline.mutable_assignment()->set_fence(1);
      decline.set_reason("no reason");
    }
    outbox_.push_back(std::move(message));
    counter_.CountFlood();
  }
}

void SwarmAgent::FloodTrace() {
  if (flood_ != Swarm::Flood::kTrace || trace_ == nullptr) return;
  const auto running = std::find_if(jobs_.begin(), jobs_.end(), [](const auto& entry) {
    return entry.second.phase == v1::JobReport::PHASE_RUNNING;
  });
  if (running == jobs_.end()) return;
  auto message = std::make_shared<v1::TraceMsg>();
  v1::TraceChunk& chunk = *message->mutable_chunk();
  *chunk.mutable_assignment() = running->second.assignment;
  chunk.set_offset(flood_offset_);
  chunk.set_data(std::string(kFloodChunkBytes, 'x'));
  chunk.set_crc32c(Crc32c(chunk.data()));
  if (!trace_->Write(std::move(message))) return;
  flood_offset_ += kFloodChunkBytes;
  counter_.CountFlood();
}

}  // namespace grange::bench
