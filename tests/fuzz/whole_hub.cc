#include "tests/fuzz/whole_hub.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/check.h"
#include "common/log/log.h"
#include "common/os/sha256.h"
#include "common/rpc/token_text.h"
#include "coordinator/session/trace_chunk.h"

namespace grange::fuzz {
namespace {

using schedule::Phase;
using schedule::StoreJob;

constexpr int kHealingRounds = 200;
constexpr PipelineId kPipeline(1);

bool IsGiven(Phase phase) { return phase == Phase::kGranted || phase == Phase::kRunning; }

schedule::PipelineAdded MakePipeline() {
  schedule::PipelineAdded pipeline{.id = kPipeline,
                                   .project = ProjectId(1),
                                   .project_name = "app",
                                   .stages = {"build", "deploy"}};
  const auto add = [&pipeline](int stage) -> schedule::JobNode& {
    const auto number = static_cast<int64_t>(pipeline.jobs.size()) + 1;
    pipeline.jobs.push_back(
        {.id = JobId(number), .name = absl::StrCat("job-", number), .stage = stage});
    return pipeline.jobs.back();
  };
  add(0);
  add(0).retry.max = 2;
  add(1).stop_on_disconnect = true;
  add(1).when = lifecycle::When::kAlways;
  return pipeline;
}

}  // namespace

AgentStream::AgentStream(const Clock& clock)
    : control_(std::make_shared<rpc::Outbox<v1::HubMsg>>(this)),
      trace_(std::make_shared<rpc::Outbox<v1::TraceReply>>(this)),
      // Not owned: the stream outlives the hub.
      session_(std::make_shared<session::AgentSession>(
          control_, std::shared_ptr<session::ControlStreamEnd>(std::shared_ptr<void>(), this),
          clock)) {}

std::vector<v1::HubMsg> AgentStream::TakeSent() {
  base::MutexLock lock(mu_);
  return std::exchange(sent_, {});
}

void AgentStream::End(const absl::Status&) {
  control_->Close();
  {
    base::MutexLock lock(mu_);
    if (std::exchange(told_, true)) return;
  }
  ended_.Notify();
}

void AgentStream::Cancel(const absl::Status& status) {
  control_->Abort();
  End(status);
}

void AgentStream::StartSend(const v1::HubMsg* message) {
  // Nothing that a peer has said may make our own words unreadable.
  v1::HubMsg read;
  GRANGE_CHECK(read.ParseFromString(message->SerializeAsString()));
  {
    base::MutexLock lock(mu_);
    sent_.push_back(std::move(read));
  }
  control_->OnSent(true);
}

void AgentStream::StartSend(const v1::TraceReply*) { trace_->OnSent(true); }

WholeHub::WholeHub() : scheduler_(schedule::SchedulerOptions{}) {
  [[maybe_unused]] static const bool quiet = [] {
    log::SetLevel(log::Level::kNothing);
    google::protobuf::SetLogHandler(nullptr);  // it would say of each bad text that it is bad
    return true;
  }();
  traces_.on_append = [this](const Assignment& assignment,
                             const trace::TraceStore::Sender& sender) {
    GRANGE_CHECK(IsHeldBy(assignment, static_cast<const session::AgentSession&>(sender).agent));
  };
  const schedule::PipelineAdded pipeline = MakePipeline();
  for (const schedule::JobNode& job : pipeline.jobs) {
    rows_[job.id].id = job.id;
    rows_[job.id].pipeline = pipeline.id;
  }
  hub_ = std::make_unique<session::SessionHub>(session::SessionOptions{}, store_, traces_, clock_,
                                               *this);
  for (int i = 0; i < kAgents; ++i) {
    store::AgentRow agent;
    agent.id = AgentId(i + 1);
    agent.name = absl::StrCat("agent-", i + 1);
    agent.slots = 1 + i / 2;
    static const std::string* const hashes = [] {
      auto* made = new std::string[kAgents];
      for (int n = 0; n < kAgents; ++n) made[n] = rpc::TokenHash(CredentialOf(n));
      return made;
    }();
    agent.credential_hash = hashes[i];
    hub_->Register(agent);
    store_.Add(std::move(agent));
  }
  OnEvent(pipeline);
  Settle();
}

WholeHub::~WholeHub() {
  for (const auto& stream : streams_) stream->session()->DropTraceStream();
  hub_.reset();
}

std::string WholeHub::CredentialOf(int agent) { return absl::StrCat("credential-", agent); }

uint64_t WholeHub::LastCounter(int agent) const { return store_.counter(AgentId(agent + 1)); }

size_t WholeHub::Open(const std::string& credential, v1::Hello hello, const std::string& peer) {
  streams_.push_back(std::make_unique<AgentStream>(clock_));
  AgentStream& stream = *streams_.back();
  stream.session()->peer = peer;
  stream.session()->Heard();
  stream.said_hello = true;
  GRANGE_CHECK(hub_->OnOpened(stream.session()));
  hub_->OnHello(stream.session(), credential, std::move(hello));
  Barrier();
  GRANGE_CHECK(stream.session()->ready || stream.has_ended());
  if (stream.session()->ready) stream.session()->SetTraceStream(stream.trace(), nullptr, nullptr);
  Settle();
  return streams_.size() - 1;
}

void WholeHub::Message(size_t number, v1::AgentMsg message) {
  AgentStream& stream = *streams_[number];
  if (stream.over) return;
  const absl::Status handled = hub_->OnMessage(stream.session(), message);
  GRANGE_CHECK(handled.ok() || absl::IsInvalidArgument(handled));
  if (!handled.ok()) {
    GRANGE_CHECK(!handled.message().empty());
    stream.session()->End(handled);
    return EndStream(number);
  }
  Settle();
}

void WholeHub::Chunk(size_t number, v1::TraceChunk chunk) {
  AgentStream& stream = *streams_[number];
  if (stream.over || !stream.session()->ready) return;
  const absl::Status taken = session::TakeChunk(*hub_, stream.session(), chunk).status();
  GRANGE_CHECK(taken.ok() || absl::IsInvalidArgument(taken) || absl::IsUnauthenticated(taken));
  Settle();
}

void WholeHub::EndStream(size_t number) {
  AgentStream& stream = *streams_[number];
  if (std::exchange(stream.over, true)) return;
  hub_->OnEnded(stream.session());
  Barrier();
  Settle();
}

void WholeHub::PassTime(absl::Duration by) {
  clock_.Advance(by);
  while (scheduler_.NextDeadline() <= clock_.Now()) {
    Apply(schedule::Tick{}, false);
    Settle();
  }
}

void WholeHub::Request(const schedule::Event& event) {
  const bool of_person = std::holds_alternative<schedule::RetryJob>(event) ||
                         std::holds_alternative<schedule::PlayJob>(event) ||
                         std::holds_alternative<schedule::CancelJob>(event) ||
                         std::holds_alternative<schedule::CancelPipeline>(event);
  if (of_person && !scheduler_.Check(event).ok()) return;
  if (const auto* retry = std::get_if<schedule::RetryJob>(&event)) ++asked_[retry->job];
  Apply(event, false);
  Settle();
}

void WholeHub::OnEvent(schedule::Event event) {
  base::MutexLock lock(mu_);
  told_.push_back({std::move(event)});
}

void WholeHub::OnResult(session::JobResult result) {
  base::MutexLock lock(mu_);
  told_.push_back({schedule::JobFinished{.agent = result.agent,
                                         .session = result.session,
                                         .assignment = result.assignment,
                                         .reason = result.reason,
                                         .exit_code = result.exit_code},
                   result.trace.has_value()});
}

void WholeHub::Barrier() {
  // A hello of nobody is refused in its turn.
  barriers_.push_back(std::make_unique<AgentStream>(clock_));
  hub_->OnHello(barriers_.back()->session(), "", v1::Hello());
  barriers_.back()->WaitForEnd();
}

void WholeHub::Settle() {
  while (true) {
    std::vector<Told> told;
    {
      base::MutexLock lock(mu_);
      told.swap(told_);
    }
    if (told.empty()) break;
    for (const Told& one : told) Apply(one.event, one.has_trace);
  }
  CheckGate();
}

void WholeHub::Apply(const schedule::Event& event, bool has_trace) {
  // A word of somebody who does not hold the job, or of an old assignment, changes nothing of it.
  JobId untouched;
  std::visit(
      [&](const auto& said) {
        if constexpr (requires {
                        said.assignment;
                        said.session;
                      }) {
          const StoreJob* const row = RowOf(said.assignment);
          if (row == nullptr || row->phase == Phase::kNone || row->agent != said.agent) {
            untouched = said.assignment.job;
          }
        }
      },
      event);
  const std::vector<schedule::Decision> decisions = scheduler_.Apply(event, clock_.Now());
  for (const schedule::Decision& decision : decisions) {
    if (const auto* fence = std::get_if<schedule::StoreFence>(&decision)) {
      highest_fence_ = std::max(highest_fence_, fence->highest);
    }
  }
  for (const schedule::Decision& decision : decisions) {
    if (const auto* row = std::get_if<StoreJob>(&decision)) {
      GRANGE_CHECK(!untouched.is_set() || row->id != untouched);
      Store(*row);
    }
  }
  for (const schedule::Decision& decision : decisions) Send(decision, has_trace);
}

void WholeHub::Store(const StoreJob& row) {
  StoreJob& before = rows_.at(row.id);
  GRANGE_CHECK(row.fence <= highest_fence_ && row.fence >= before.fence);
  GRANGE_CHECK(row.attempt == before.attempt || row.attempt == before.attempt + 1);
  if (row.attempt == before.attempt && lifecycle::IsFinal(before.state) && before.attempt > 0 &&
      lifecycle::IsFinal(row.state)) {
    GRANGE_CHECK(row.state == before.state && row.exit_code == before.exit_code);  // P5
  }
  if (row.attempt == before.attempt + 1 && before.attempt > 0) {
    // P3: by the policy of the one job that has one, or because somebody asked.
    const bool by_policy = before.state == lifecycle::JobState::kFailed &&
                           row.automatic_retries == before.automatic_retries + 1 &&
                           row.id == JobId(2) && row.automatic_retries <= 2;
    GRANGE_CHECK(by_policy || --asked_[row.id] >= 0);
  }
  if (IsGiven(row.phase)) {
    // P2: an attempt is granted once, to one agent.
    const std::pair<AgentId, Fence> holder(row.agent, row.fence);
    GRANGE_CHECK(granted_.try_emplace({row.id, row.attempt}, holder).first->second == holder);
  }
  before = row;
}

void WholeHub::Send(const schedule::Decision& decision, bool has_trace) {
  if (const auto* row = std::get_if<StoreJob>(&decision)) {
    if (row->phase != Phase::kNone) return;
    hub_->gate().Close(row->id);
    if (row->attempt == 0) return;
    if (has_trace) {
      traces_.Complete(row->id, row->attempt);
    } else if (lifecycle::IsFinal(row->state)) {
      traces_.Abandon(row->id, row->attempt);
    }
  } else if (const auto* offer = std::get_if<schedule::SendOffer>(&decision)) {
    const StoreJob* const row_of = RowOf(offer->assignment);
    GRANGE_CHECK(row_of != nullptr && row_of->phase == Phase::kOffered &&
                 row_of->agent == offer->agent);
    seen_.push_back(offer->assignment);
    GRANGE_CHECK(hub_->SendOffer(*offer, session::JobSpec{}).ok());
  } else if (const auto* start = std::get_if<schedule::SendStart>(&decision)) {
    GRANGE_CHECK(IsHeldBy(start->assignment, start->agent));
    GRANGE_CHECK(hub_->SendStart(*start, session::StartSecrets{}).ok());
  } else if (const auto* cancel = std::get_if<schedule::SendCancel>(&decision)) {
    hub_->SendCancel(*cancel);
  } else if (const auto* forget = std::get_if<schedule::SendForget>(&decision)) {
    hub_->SendForget(*forget);
  } else if (const auto* revoke = std::get_if<schedule::SendRevoke>(&decision)) {
    hub_->SendRevoke(*revoke);
  } else if (const auto* welcome = std::get_if<schedule::SendWelcome>(&decision)) {
    for (const auto& verdict : welcome->verdicts) {
      using Verdict = schedule::SendWelcome::Verdict;
      const bool goes_on = verdict.verdict == Verdict::kGoOn || verdict.verdict == Verdict::kStart;
      GRANGE_CHECK(!goes_on || IsHeldBy(verdict.assignment, welcome->agent));
    }
    hub_->SendWelcome(*welcome);
  } else if (const auto* drain = std::get_if<schedule::SendDrain>(&decision)) {
    hub_->SendDrain(*drain);
  }
}

const StoreJob* WholeHub::RowOf(const Assignment& assignment) const {
  const auto found = rows_.find(assignment.job);
  if (found == rows_.end() || found->second.attempt != assignment.attempt ||
      found->second.fence != assignment.fence) {
    return nullptr;
  }
  return &found->second;
}

bool WholeHub::IsHeldBy(const Assignment& assignment, AgentId agent) const {
  const StoreJob* const row = RowOf(assignment);
  return row != nullptr && IsGiven(row->phase) && row->agent == agent;
}

void WholeHub::CheckGate() {
  for (const auto& [id, row] : rows_) {
    const Assignment assignment{.job = id, .attempt = row.attempt, .fence = row.fence};
    for (int i = 1; i <= kAgents; ++i) {
      GRANGE_CHECK(!hub_->gate().Allows(assignment, AgentId(i)) ||
                   IsHeldBy(assignment, AgentId(i)));
    }
  }
}

void WholeHub::Heal() {
  for (size_t i = 0; i < streams_.size(); ++i) EndStream(i);
  PassTime(absl::Hours(1));
  for (const auto& [id, row] : rows_) GRANGE_CHECK(row.phase == Phase::kNone);
  int honest = 0;
  while (honest < kAgents && LastCounter(honest) == ~uint64_t{0}) ++honest;
  if (honest == kAgents) return;  // all counters are used up
  Request(schedule::AgentDrainChanged{AgentId(honest + 1), false});
  Request(schedule::OffersPaused{""});
  v1::Hello hello;
  hello.set_agent_id(honest + 1);
  hello.set_instance_id(std::string(16, 'h'));
  hello.set_session_counter(LastCounter(honest) + 1);
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  hello.mutable_capacity()->set_slots(1);
  const size_t stream = Open(CredentialOf(honest), std::move(hello), "honest");
  GRANGE_CHECK(this->stream(stream).session()->ready);
  const auto is_over = [](const auto& entry) { return lifecycle::IsFinal(entry.second.state); };
  for (int i = 0; i < kHealingRounds; ++i) {
    ServeHonestly(stream);
    if (std::all_of(rows_.begin(), rows_.end(), is_over)) return;
    PassTime(absl::Seconds(11));
  }
  for (const auto& [id, row] : rows_) {
    const absl::StatusOr<schedule::Explanation> why = scheduler_.Why(id, clock_.Now());
    std::fprintf(stderr, "%s: %s%s\n", id.ToString().c_str(),
                 std::string(lifecycle::JobStateName(row.state)).c_str(),
                 why.ok() ? absl::StrCat(", ", absl::StrJoin(why->reasons, "; ")).c_str() : "");
  }
  GRANGE_CHECK(false && "a job never comes to its end");
}

void WholeHub::ServeHonestly(size_t number) {
  v1::AgentMsg beat;
  beat.mutable_heartbeat();
  Message(number, std::move(beat));
  for (std::vector<v1::HubMsg> sent; !(sent = stream(number).TakeSent()).empty();) {
    for (const v1::HubMsg& message : sent) {
      v1::AgentMsg answer;
      if (message.has_offer()) {
        *answer.mutable_accept()->mutable_assignment() = message.offer().assignment();
        Message(number, std::move(answer));
      } else if (message.has_start()) {
        *answer.mutable_started()->mutable_assignment() = message.start().assignment();
        Message(number, std::move(answer));
        v1::AgentMsg end;
        *end.mutable_result()->mutable_assignment() = message.start().assignment();
        end.mutable_result()->set_reason(v1::FAILURE_REASON_NONE);
        static const std::string* const sha = new std::string(os::Sha256Of(""));
        end.mutable_result()->set_trace_sha256(*sha);
        Message(number, std::move(end));
      }
    }
  }
}

}  // namespace grange::fuzz
