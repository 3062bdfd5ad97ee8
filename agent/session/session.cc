#include "agent/session/session.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/session/codec.h"
#include "common/log/log.h"
#include "common/os/random.h"
#include "common/rpc/channel.h"
#include "common/rpc/features.h"
#include "common/rpc/status.h"

namespace grange::session {
namespace {

constexpr absl::Duration kReconnectFirst = absl::Milliseconds(500);
// Waiting for a Welcome, and for streams to end when the agent stops.
constexpr absl::Duration kSilenceLimit = absl::Seconds(30);
constexpr absl::Duration kStopMax = absl::Seconds(2);
constexpr absl::Duration kHealthy = absl::Seconds(60);
constexpr absl::Duration kUnauthenticatedWait = absl::Minutes(5);
constexpr absl::Duration kPreconditionWait = absl::Seconds(30);
constexpr absl::Duration kGoingDownMax = absl::Seconds(60);
constexpr absl::Duration kDrainMax = absl::Hours(24 * 366);

uint64_t RandomNumber() {
  uint64_t number = 0;
  for (const char c : os::RandomBytes(8)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

double Load() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

}  // namespace

Session::Session(os::EventLoop& loop, const Clock& clock, CompletionLoop& completions,
                 const AgentState& state, trace::TraceSender& traces, Options options)
    : loop_(loop),
      clock_(clock),
      completions_(completions),
      state_(state),
      traces_(traces),
      options_(std::move(options)),
      stub_(v1::AgentHub::NewStub(options_.channel)),
      instance_id_(os::RandomBytes(16)),
      backoff_(kReconnectFirst, options_.reconnect_max) {}

Session::~Session() {
  for (const os::EventLoop::TimerId timer :
       {heartbeat_timer_, silence_timer_, connect_timer_, stop_timer_}) {
    if (timer != 0) loop_.Cancel(timer);
  }
}

void Session::Start() { Connect(); }

void Session::Connect() {
  connect_timer_ = 0;
  if (stopping_) return;
  const absl::StatusOr<uint64_t> counter =
      state_lost_ ? last_counter_ + 1 : state_.NextSessionCounter();
  if (!counter.ok()) return EndSession(counter.status());
  last_counter_ = *counter;
  ++generation_;
  welcomed_ = false;
  sent_seq_ = heard_seq_ = 0;
  silence_limit_ = kSilenceLimit;
  going_down_ = absl::ZeroDuration();

  auto context = std::make_unique<grpc::ClientContext>();
  rpc::AddBearer(*context, options_.credential.Open());
  ++live_links_;
  control_ = ControlLink::Start(
      completions_, std::move(context),
      [this](auto* c, auto* queue) { return stub_->PrepareAsyncControl(c, queue); },
      {.on_message =
           [this, generation = generation_](v1::HubMsg message) {
             if (generation == generation_) OnControl(std::move(message));
           },
       .on_written =
           [this, generation = generation_] {
             if (generation == generation_) Pump();
           },
       .on_end = [this, generation = generation_](
                     const grpc::Status& status) { OnLinkEnd(generation, status); }});

  v1::AgentMsg message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_agent_id(options_.identity.id.value());
  hello.set_instance_id(instance_id_);
  hello.set_session_counter(*counter);
  hello.set_protocol_min(kProtocolMin);
  hello.set_protocol_max(kProtocolMax);
  for (const absl::string_view feature : rpc::kFeatures) hello.add_features(std::string(feature));
  hello.mutable_capacity()->set_slots(options_.identity.slots);
  hello.mutable_capacity()->set_run_untagged(options_.identity.run_untagged);
  for (const std::string& tag : options_.identity.tags) hello.add_labels(ToUtf8(tag));
  for (const job::Report& report : table_->Reports()) ToProto(report, hello.add_jobs());
  hello.set_version(options_.version);
  hello_sent_ = clock_.SinceBoot();
  Heard();
  Send(std::move(message));
  WatchSilence();
}

void Session::OpenTrace() {
  auto context = std::make_unique<grpc::ClientContext>();
  rpc::AddBearer(*context, options_.credential.Open());
  ++live_links_;
  trace_ = TraceLink::Start(
      completions_, std::move(context),
      [this](auto* c, auto* queue) { return stub_->PrepareAsyncTrace(c, queue); },
      {.on_message =
           [this, generation = generation_](const v1::TraceReply& reply) {
             if (generation == generation_) OnTrace(reply);
           },
       .on_written =
           [this, generation = generation_] {
             if (generation == generation_) traces_.OnWritten();
           },
       .on_end = [this, generation = generation_](
                     const grpc::Status& status) { OnLinkEnd(generation, status); }});
}

void Session::OnControl(v1::HubMsg message) {
  Heard();
  heard_seq_ = message.seq();
  const auto assignment = [](const v1::Assignment& of) -> Assignment {
    const absl::StatusOr<Assignment> checked = FromProto(of);
    if (!checked.ok()) log::Warning("bad_message", {{"error", checked.status()}});
    return checked.value_or(Assignment{});  // none that anything is known of
  };
  switch (message.body_case()) {
    case v1::HubMsg::kWelcome:
      return OnWelcome(message.welcome());
    case v1::HubMsg::kHeartbeatAck: {
      // Counted from sending: the answer's journey must not lengthen the lease.
      const absl::Duration sent = absl::Milliseconds(message.heartbeat_ack().sent_at_ms());
      return table_->SetLease(std::min(sent, clock_.SinceBoot()) + lease_ttl_);
    }
    case v1::HubMsg::kOffer:
      return OnOffer(message.offer());
    case v1::HubMsg::kStart:
      return table_->Start(assignment(message.start().assignment()), FromProto(message.start()));
    case v1::HubMsg::kCancel:
      return table_->Cancel(assignment(message.cancel().assignment()),
                            absl::Milliseconds(std::max<int64_t>(message.cancel().grace_ms(), 0)),
                            message.cancel().force());
    case v1::HubMsg::kForget:
      return table_->Forget(assignment(message.forget().assignment()));
    case v1::HubMsg::kRevoke:
      log::Warning("job_revoked", {{"job", assignment(message.revoke().assignment())},
                                   {"reason", message.revoke().reason()}});
      return table_->Forget(assignment(message.revoke().assignment()));
    case v1::HubMsg::kDrain:
      return OnDrain(message.drain());
    case v1::HubMsg::kGoingDown:
      going_down_ =
          std::min(absl::Milliseconds(std::max<int64_t>(message.going_down().expected_ms(), 0)),
                   kGoingDownMax);
      return;
    case v1::HubMsg::kLimits:  // those of the Welcome hold for the session
    case v1::HubMsg::BODY_NOT_SET:
      return;
  }
}

void Session::OnWelcome(const v1::Welcome& welcome) {
  if (welcomed_) return;
  if (welcome.protocol() < kProtocolMin || welcome.protocol() > kProtocolMax) {
    return EndSession(absl::FailedPreconditionError(absl::StrCat(
        "the coordinator chose protocol ", welcome.protocol(), ", but this agent speaks ",
        kProtocolMin, " to ", kProtocolMax, "; upgrade the agent")));
  }
  welcomed_ = true;
  opened_at_ = clock_.SinceBoot();
  last_error_ = absl::OkStatus();
  if (welcome.lease_ttl_ms() > 0) lease_ttl_ = absl::Milliseconds(welcome.lease_ttl_ms());
  if (welcome.heartbeat_every_ms() > 0) {
    heartbeat_every_ = absl::Milliseconds(std::max<int64_t>(welcome.heartbeat_every_ms(), 100));
  }
  if (welcome.silence_limit_ms() > 0) {
    silence_limit_ = absl::Milliseconds(std::max<int64_t>(welcome.silence_limit_ms(), 200));
  }
  log::Info("session_open", {{"coordinator", options_.identity.coordinator},
                             {"session", welcome.session_id()},
                             {"jobs", welcome.verdicts_size()}});
  trace::TraceLimits limits;
  const v1::Limits& given = welcome.limits();
  if (given.unacked_trace_bytes_job() > 0) {
    limits.unacked_bytes_job = given.unacked_trace_bytes_job();
  }
  if (given.unacked_trace_bytes_agent() > 0) {
    limits.unacked_bytes_agent = given.unacked_trace_bytes_agent();
  }
  if (given.trace_chunk_bytes() > 0) {
    limits.chunk_bytes = std::min<uint64_t>(given.trace_chunk_bytes(), rpc::kFilePartMax);
  }
  OpenTrace();
  traces_.Connected(*this, welcome.session_id(), limits);
  table_->BeginSession();
  table_->SetLease(hello_sent_ + lease_ttl_);
  for (const v1::JobVerdict& message : welcome.verdicts()) {
    const absl::StatusOr<job::Verdict> verdict = FromProto(message);
    if (verdict.ok()) {
      table_->Apply(*verdict);
    } else {
      log::Warning("bad_message", {{"error", verdict.status()}});
    }
  }
  ScheduleHeartbeat();
  WatchSilence();
  if (on_open_) on_open_();
}

void Session::OnOffer(const v1::JobOffer& offer) {
  const absl::StatusOr<Assignment> assignment = FromProto(offer.assignment());
  if (!assignment.ok()) return log::Warning("bad_message", {{"error", assignment.status()}});
  table_->Offer(*assignment, offer.spec().SerializeAsString());
}

void Session::OnDrain(const v1::Drain& drain) {
  std::optional<absl::Duration> deadline;
  if (drain.resume()) {
    log::Info("resumed");
  } else if (drain.deadline_ms() > 0) {
    const absl::Duration left = std::min(absl::Milliseconds(drain.deadline_ms()), kDrainMax);
    log::Info("draining", {{"stops_jobs_in", left}});
    deadline = clock_.SinceBoot() + left;
  } else {
    log::Info("draining");
  }
  table_->Drain(!drain.resume(), deadline);
  SendHeartbeat();
}

void Session::OnTrace(const v1::TraceReply& reply) {
  Heard();
  const bool is_ack = reply.has_ack();
  if (!is_ack && !reply.has_resume()) return;
  const absl::StatusOr<Assignment> assignment =
      FromProto(is_ack ? reply.ack().assignment() : reply.resume().assignment());
  if (!assignment.ok()) return log::Warning("bad_message", {{"error", assignment.status()}});
  if (is_ack) return traces_.OnAck(*assignment, reply.ack().durable());
  log::Info("trace_resumed", {{"job", *assignment}, {"offset", reply.resume().offset()}});
  traces_.ResumeAt(*assignment, reply.resume().offset());
}

void Session::OnLinkEnd(uint64_t generation, const grpc::Status& status) {
  --live_links_;
  if (generation == generation_ && control_ != nullptr) {
    EndSession(status.ok() ? absl::UnavailableError("the coordinator closed the session")
                           : rpc::FromGrpc(status));
  }
  MaybeStopped();
}

void Session::Send(v1::AgentMsg message) {
  if (control_ == nullptr) return;
  message.set_seq(++sent_seq_);
  message.set_ack(heard_seq_);
  outbox_.push_back(std::make_shared<const v1::AgentMsg>(std::move(message)));
  Pump();
}

void Session::Pump() {
  while (control_ != nullptr && !outbox_.empty()) {
    // What happens between Hello and Welcome is told after it: the Hello was the whole state.
    if (!welcomed_ && !outbox_.front()->has_hello()) return;
    if (!control_->Write(outbox_.front())) return;  // OnWritten comes back here
    outbox_.pop_front();
  }
}

void Session::Write(std::shared_ptr<const v1::TraceMsg> message) {
  if (trace_ != nullptr) trace_->Write(std::move(message));
}

void Session::Heard() { last_heard_ = clock_.SinceBoot(); }

// One timer for the whole session: it looks when silence would be too long at the earliest.
void Session::WatchSilence() {
  if (silence_timer_ != 0) loop_.Cancel(silence_timer_);
  const absl::Duration left = last_heard_ + silence_limit_ - clock_.SinceBoot();
  if (left > absl::ZeroDuration()) {
    silence_timer_ = loop_.After(left, [this] {
      silence_timer_ = 0;
      WatchSilence();
    });
    return;
  }
  silence_timer_ = 0;
  EndSession(absl::UnavailableError(absl::StrCat("nothing heard from the coordinator for ",
                                                 absl::FormatDuration(silence_limit_))));
}

void Session::ScheduleHeartbeat() {
  if (heartbeat_timer_ != 0) loop_.Cancel(heartbeat_timer_);
  SendHeartbeat();
  heartbeat_timer_ = loop_.After(heartbeat_every_, [this] {
    heartbeat_timer_ = 0;
    ScheduleHeartbeat();
  });
}

void Session::SendHeartbeat() {
  if (!welcomed_) return;
  v1::AgentMsg message;
  v1::Heartbeat& heartbeat = *message.mutable_heartbeat();
  heartbeat.set_sent_at_ms(absl::ToInt64Milliseconds(clock_.SinceBoot()));
  heartbeat.set_free_slots(table_->FreeSlots());
  heartbeat.set_load(Load());
  heartbeat.set_disk_free_bytes(table_->FreeBytes());
  if (const std::optional<job::KeptSizes>& sizes = table_->kept(); sizes.has_value()) {
    v1::Kept& kept = *heartbeat.mutable_kept();
    kept.set_work_trees(sizes->work_trees);
    kept.set_work_tree_bytes(sizes->work_tree_bytes);
    kept.set_mirrors(sizes->mirrors);
    kept.set_mirror_bytes(sizes->mirror_bytes);
    kept.set_spool_bytes(table_->SpoolBytes());
  }
  Send(std::move(message));
}

void Session::EndSession(const absl::Status& why) {
  const bool healthy = welcomed_ && clock_.SinceBoot() - opened_at_ >= kHealthy;
  const bool was_open = welcomed_;
  welcomed_ = false;
  outbox_.clear();
  traces_.Disconnected();
  if (control_ != nullptr) control_->Cancel();
  if (trace_ != nullptr) trace_->Cancel();
  control_ = nullptr;
  trace_ = nullptr;
  for (os::EventLoop::TimerId* timer : {&heartbeat_timer_, &silence_timer_}) {
    if (*timer != 0) loop_.Cancel(std::exchange(*timer, 0));
  }
  if (on_closed_) on_closed_();
  if (stopping_) return;
  if (healthy) backoff_.Reset();
  const absl::Duration wait = WaitAfter(why);
  if (was_open || why.code() != last_error_.code()) {
    log::Warning(
        "session_ended",
        {{"coordinator", options_.identity.coordinator}, {"error", why}, {"next_try_in", wait}});
  }
  last_error_ = why;
  if (connect_timer_ != 0) loop_.Cancel(connect_timer_);
  connect_timer_ = loop_.After(wait, [this] { Connect(); });
}

absl::Duration Session::WaitAfter(const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kUnauthenticated:  // jobs go on; a person must act
      log::Error("not_admitted",
                 {{"error", why},
                  {"next_step",
                   "ask whether the agent was revoked, then register it anew in a new "
                   "state directory"}});
      return kUnauthenticatedWait;
    case absl::StatusCode::kFailedPrecondition:
      log::Error("not_admitted", {{"error", why}});
      return kPreconditionWait;
    default:
      return going_down_ / 4 + backoff_.Next(RandomNumber());
  }
}

void Session::Stop(const std::string& reason, std::function<void()> done) {
  on_stopped_ = std::move(done);
  stopping_ = true;
  if (connect_timer_ != 0) loop_.Cancel(std::exchange(connect_timer_, 0));
  stop_timer_ = loop_.After(kStopMax, [this] {
    stop_timer_ = 0;
    if (control_ != nullptr) EndSession(absl::OkStatus());
    live_links_ = 0;
    MaybeStopped();
  });
  if (welcomed_ && !reason.empty()) {
    // The coordinator ends the stream when it has read this.
    v1::AgentMsg message;
    message.mutable_bye()->set_reason(ToUtf8(reason));
    return Send(std::move(message));
  }
  EndSession(absl::OkStatus());
  MaybeStopped();
}

void Session::TellLossOfState() {
  state_lost_ = true;
  EndSession(absl::UnavailableError("the agent has lost its state directory"));
}

void Session::MaybeStopped() {
  if (!stopping_ || live_links_ > 0 || on_stopped_ == nullptr) return;
  const std::function<void()> done = std::exchange(on_stopped_, nullptr);
  done();
}

void Session::Accepted(const Assignment& assignment) {
  v1::AgentMsg message;
  ToProto(assignment, message.mutable_accept()->mutable_assignment());
  Send(std::move(message));
}

void Session::Declined(const Assignment& assignment, const std::string& reason) {
  log::Info("job_declined", {{"job", assignment}, {"reason", reason}});
  v1::AgentMsg message;
  ToProto(assignment, message.mutable_decline()->mutable_assignment());
  message.mutable_decline()->set_reason(ToUtf8(reason));
  Send(std::move(message));
}

void Session::Started(const Assignment& assignment) {
  v1::AgentMsg message;
  ToProto(assignment, message.mutable_started()->mutable_assignment());
  Send(std::move(message));
}

void Session::Finished(const Assignment& assignment, const job::JobResult& result) {
  v1::AgentMsg message;
  ToProto(assignment, result, message.mutable_result());
  Send(std::move(message));
}

void Session::Note(const Assignment& assignment, const std::string& text) {
  v1::AgentMsg message;
  ToProto(assignment, message.mutable_note()->mutable_assignment());
  message.mutable_note()->set_text(ToUtf8(text));
  Send(std::move(message));
}

}  // namespace grange::session
