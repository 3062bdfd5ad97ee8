#include "coordinator/session/session_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/random.h"
#include "common/rpc/token_text.h"
#include "coordinator/session/message_budget.h"

namespace grange::session {
namespace {

// How long an ended session may take to send what waits; then its call is canceled. A credential
// that was withdrawn is out in 5 s.
constexpr absl::Duration kEndGrace = absl::Seconds(3);
// Who floods us can do so once in this time: each new session may send much at once.
constexpr absl::Duration kFloodAway = absl::Seconds(10);
// Streams without a Hello at once. As many agents may come back in the same second.
constexpr int kUnadmittedMax = 5000;

// What an alarm of an agent says.
constexpr absl::string_view kUsedTwice = "credential in use twice";
constexpr absl::string_view kWentBack =
    "session counter went back (a copied or restored state directory)";

// What an agent is told that may come back after `away`.
absl::Status FloodsUs(absl::Duration away) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "this agent sent more than ", int(MessageBudget::kPerSecond),
      " messages a second; it may come back in ", absl::FormatDuration(away)));
}

}  // namespace

SessionHub::SessionHub(SessionOptions options, store::Store& store, trace::TraceStore& traces,
                       const Clock& clock, SessionListener& listener)
    : options_(options),
      store_(store),
      traces_(traces),
      clock_(clock),
      started_at_(clock.Now()),
      listener_(listener),
      thread_([this] { loop_.Run(); }) {}

SessionHub::~SessionHub() { Stop(); }

void SessionHub::Stop() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

bool SessionHub::OnOpened(const std::shared_ptr<AgentSession>& session) {
  if (unadmitted_ >= kUnadmittedMax) {
    log::Warning("too_many_connections", {{"from", session->peer}});
    return false;
  }
  ++unadmitted_;
  loop_.Post([this, session] {
    session->unadmitted = true;
    session->hello_timer = loop_.After(options_.silence_limit, [session] {
      log::Warning("no_hello", {{"from", session->peer}});
      session->Cancel(absl::DeadlineExceededError("no hello came in time"));
    });
  });
  return true;
}

void SessionHub::Admitted(const std::shared_ptr<AgentSession>& session) {
  if (!session->unadmitted) return;
  session->unadmitted = false;
  --unadmitted_;
  loop_.Cancel(session->hello_timer);
}

void SessionHub::OnHello(std::shared_ptr<AgentSession> session, std::string credential,
                         v1::Hello hello) {
  loop_.Post([this, session = std::move(session), credential = std::move(credential),
              hello = std::move(hello)] { Admit(session, credential, hello); });
}

void SessionHub::Admit(const std::shared_ptr<AgentSession>& session, const std::string& credential,
                       const v1::Hello& hello) {
  store::AgentRow agent;
  const absl::StatusOr<HelloFacts> facts = FromProto(hello);
  const absl::Status identity =
      facts.ok() ? CheckIdentity(session, credential, *facts, agent) : facts.status();
  if (!identity.ok()) {
    log::Warning("agent_refused", {{"agent", hello.agent_id()}, {"error", identity}});
    EndSoon(session, identity);
    return;
  }
  Admitted(session);
  session->id = schedule::SessionId(next_session_++);
  session->public_id = absl::BytesToHexString(os::RandomBytes(16));
  session->agent = agent.id;
  session->agent_name = agent.name;
  session->instance_id = facts->instance_id;
  session->credential_hash = agent.credential_hash;
  session->features = facts->features;
  std::shared_ptr<AgentSession> older;
  {
    base::MutexLock lock(mu_);
    std::shared_ptr<AgentSession>& current = by_agent_[agent.id];
    older = std::exchange(current, session);
    if (older != nullptr) by_public_id_.erase(older->public_id);
    by_public_id_[session->public_id] = session;
    last_contact_[agent.id] = clock_.Now();
  }
  if (older != nullptr) EndSoon(older, absl::AbortedError("a newer session of this agent began"));
  log::Info("agent_connected", {{"agent", agent.id},
                                {"name", agent.name},
                                {"slots", facts->slots},
                                {"jobs", int(facts->jobs.size())}});
  // Before the core hears of it: its welcome and the agent's first word may be faster than this.
  session->ready = true;
  listener_.OnEvent(schedule::AgentConnected{.agent = agent.id,
                                             .session = session->id,
                                             .slots = facts->slots,
                                             .jobs = facts->jobs,
                                             .features = facts->features,
                                             .version = facts->version});
  if (silence_timer_ == 0) CheckSilence();
}

absl::Status SessionHub::CheckIdentity(const std::shared_ptr<AgentSession>& session,
                                       const std::string& credential, const HelloFacts& hello,
                                       store::AgentRow& agent) {
  const std::string hash = rpc::TokenHash(credential);
  GRANGE_RETURN_IF_ERROR(guesses_.Admit(session->peer, hash, clock_.SinceBoot()));
  absl::StatusOr<store::AgentRow> found = store_.FindAgentByCredential(hash);
  if (absl::IsNotFound(found.status())) AlarmIfGuessed(guesses_, session->peer, clock_.SinceBoot());
  if (found.ok()) guesses_.Right(session->peer, hash, clock_.SinceBoot());
  if (absl::IsNotFound(found.status()) || (found.ok() && found->id != hello.agent)) {
    return absl::UnauthenticatedError(
        "the coordinator does not know this agent's credential; register the agent again with "
        "'grange-agent register'");
  }
  GRANGE_RETURN_IF_ERROR(found.status());
  agent = *std::move(found);
  if (agent.revoked) {
    return absl::UnauthenticatedError(
        "this agent's credential was revoked; register the agent again with 'grange-agent "
        "register'");
  }
  std::shared_ptr<AgentSession> current;
  {
    base::MutexLock lock(mu_);
    if (const auto away = away_until_.find(agent.id); away != away_until_.end()) {
      if (clock_.SinceBoot() < away->second) {
        return FloodsUs(absl::Ceil(away->second - clock_.SinceBoot(), absl::Seconds(1)));
      }
      away_until_.erase(away);
    }
    const auto open = by_agent_.find(agent.id);
    if (open != by_agent_.end()) current = open->second;
  }
  if (current != nullptr && current != session && current->instance_id != hello.instance_id &&
      current->silence() < options_.same_credential_window) {
    Alarm(agent, kUsedTwice, session->peer);
    return absl::AlreadyExistsError(
        absl::StrCat("agent '", agent.name,
                     "' is connected already from another process: its credential is in "
                     "use twice; give each machine a registration of its own"));
  }
  absl::Status advanced =
      store_.AdvanceSessionCounter(agent.id, hello.session_counter, clock_.Now(), hello.version);
  if (absl::IsFailedPrecondition(advanced)) {
    Alarm(agent, kWentBack, session->peer);
    return absl::FailedPreconditionError(
        absl::StrCat("the session counter of agent '", agent.name,
                     "' went back: its state directory was copied "
                     "or restored; if this machine is the right one, run 'grangectl agent reset ",
                     agent.name, "'"));
  }
  return advanced;
}

// Until somebody acts: 'grangectl agents' shows it.
void SessionHub::Alarm(const store::AgentRow& agent, absl::string_view what,
                       const std::string& peer) {
  log::Error("agent_alarm",
             {{"agent", agent.id}, {"name", agent.name}, {"what", what}, {"from", peer}});
  // Each try of a machine that goes on trying would be a write.
  if (agent.alarm == what && agent.alarm_from == peer) return;
  const absl::Status stored = store_.SetAgentAlarm(agent.id, what, peer, clock_.Now());
  if (!stored.ok()) log::Warning("alarm_not_stored", {{"agent", agent.id}, {"error", stored}});
}

void SessionHub::OnEnded(const std::shared_ptr<AgentSession>& session) {
  // After Admit(), if that is still to come: the loop keeps the order.
  loop_.Post([this, session] { Leave(session); });
}

void SessionHub::Leave(const std::shared_ptr<AgentSession>& session) {
  Admitted(session);
  if (!session->ready) return;
  session->DropTraceStream();
  {
    base::MutexLock lock(mu_);
    const auto current = by_agent_.find(session->agent);
    if (current == by_agent_.end() || current->second != session) return;
    by_agent_.erase(current);
    by_public_id_.erase(session->public_id);
  }
  log::Info("agent_disconnected", {{"agent", session->agent}, {"name", session->agent_name}});
  listener_.OnEvent(schedule::AgentDisconnected{.agent = session->agent, .session = session->id});
}

// Sleeps until the first session may have been silent for too long: what is heard in the meantime
// only moves that away.
void SessionHub::CheckSilence() {
  std::vector<std::shared_ptr<AgentSession>> silent;
  absl::Duration next = absl::InfiniteDuration();
  {
    base::MutexLock lock(mu_);
    for (const auto& [agent, session] : by_agent_) {
      const absl::Duration left = options_.silence_limit - session->silence();
      if (left <= absl::ZeroDuration()) {
        silent.push_back(session);
      } else {
        next = std::min(next, left);
      }
    }
  }
  for (const std::shared_ptr<AgentSession>& session : silent) {
    log::Warning("agent_silent", {{"agent", session->agent}, {"silence", session->silence()}});
    session->Cancel(absl::DeadlineExceededError("nothing was heard from the agent for too long"));
    Leave(session);  // not when gRPC has noticed: that may wait for the peer
  }
  silence_timer_ = 0;
  if (next < absl::InfiniteDuration()) {
    silence_timer_ = loop_.After(next, [this] { CheckSilence(); });
  }
}

void SessionHub::EndSoon(const std::shared_ptr<AgentSession>& session, const absl::Status& why) {
  session->End(why);
  loop_.Post(
      [this, session, why] { loop_.After(kEndGrace, [session, why] { session->Cancel(why); }); });
}

absl::Status SessionHub::SendAway(const std::shared_ptr<AgentSession>& session) {
  if (session->ready) {  // else there is no agent yet
    log::Warning("agent_floods", {{"agent", session->agent},
                                  {"messages_a_second_at_most", int(MessageBudget::kPerSecond)},
                                  {"refused_for", kFloodAway}});
    base::MutexLock lock(mu_);
    away_until_[session->agent] = clock_.SinceBoot() + kFloodAway;
  }
  return FloodsUs(kFloodAway);
}

bool SessionHub::IsCurrent(const std::shared_ptr<AgentSession>& session) const {
  base::MutexLock lock(mu_);
  const auto found = by_agent_.find(session->agent);
  return found != by_agent_.end() && found->second == session;
}

std::shared_ptr<AgentSession> SessionHub::Find(const std::string& public_id,
                                               absl::string_view credential) const {
  std::shared_ptr<AgentSession> session;
  {
    base::MutexLock lock(mu_);
    const auto found = by_public_id_.find(public_id);
    if (found != by_public_id_.end()) session = found->second;
  }
  if (session == nullptr || rpc::TokenHash(credential) != session->credential_hash) return nullptr;
  return session;
}

std::shared_ptr<AgentSession> SessionHub::Get(AgentId agent, schedule::SessionId session) const {
  base::MutexLock lock(mu_);
  const auto found = by_agent_.find(agent);
  if (found == by_agent_.end() || found->second->id != session) return nullptr;
  return found->second;
}

void SessionHub::EndSessionsOf(AgentId agent, const absl::Status& why) {
  std::shared_ptr<AgentSession> session;
  {
    base::MutexLock lock(mu_);
    const auto found = by_agent_.find(agent);
    if (found != by_agent_.end()) session = found->second;
  }
  if (session != nullptr) EndSoon(session, why);
}

absl::Time SessionHub::LastContact(AgentId agent) const {
  base::MutexLock lock(mu_);
  const auto found = last_contact_.find(agent);
  return found == last_contact_.end() ? absl::InfinitePast() : found->second;
}

absl::Time SessionHub::AwaySince(AgentId agent) const {
  base::MutexLock lock(mu_);
  if (by_agent_.contains(agent)) return absl::InfiniteFuture();
  const auto found = last_contact_.find(agent);
  return found == last_contact_.end() ? started_at_ : found->second;
}

std::optional<AgentKept> SessionHub::KeptBy(AgentId agent) const {
  base::MutexLock lock(mu_);
  const auto found = kept_.find(agent);
  return found == kept_.end() ? std::nullopt : std::make_optional(found->second);
}

void SessionHub::GoingDown() {
  std::vector<std::shared_ptr<AgentSession>> sessions;
  {
    base::MutexLock lock(mu_);
    for (const auto& [agent, session] : by_agent_) sessions.push_back(session);
  }
  for (const std::shared_ptr<AgentSession>& session : sessions) {
    v1::HubMsg message;
    message.mutable_going_down()->set_expected_ms(1000);
    session->Send(std::move(message));
  }
  // Once all have been told: the ends of so many streams would hold up the last ones' message.
  for (const std::shared_ptr<AgentSession>& session : sessions) {
    session->End(absl::UnavailableError("the coordinator is stopping; come back soon"));
  }
}

void SessionHub::Register(const store::AgentRow& agent) {
  listener_.OnEvent(schedule::AgentAdded{.id = agent.id,
                                         .name = agent.name,
                                         .tags = agent.tags,
                                         .run_untagged = agent.run_untagged,
                                         .slots = agent.slots,
                                         .project = agent.project,
                                         .draining = agent.draining,
                                         .drain_until = agent.drain_until});
}

}  // namespace grange::session
