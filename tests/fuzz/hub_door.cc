#include "tests/fuzz/hub_door.h"

#include <google/protobuf/stubs/logging.h>

#include <thread>
#include <utility>

#include "common/base/check.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "common/rpc/token_text.h"
#include "coordinator/store/sqlite_store.h"

namespace grange::fuzz {
namespace {

constexpr char kCredential[] = "credential";

// A database in `dir` with one agent.
std::unique_ptr<store::Store> MakeStore(const std::string& dir, const Clock& clock,
                                        AgentId& agent) {
  std::unique_ptr<store::Store> made =
      store::OpenSqliteStore(dir + "/grange.db", dir + "/keys/store.key", clock).value();
  store::TokenRow token;
  token.hash = rpc::TokenHash("registration");
  token.uses_left = 1;
  GRANGE_CHECK(made->CreateToken(token, "").ok());
  store::AgentRow row;
  row.name = "build-1";
  row.credential_hash = rpc::TokenHash(kCredential);
  GRANGE_CHECK(made->RegisterAgent(token.hash, "", clock.Now(), row).ok());
  agent = row.id;
  return made;
}

}  // namespace

void NotingTraces::Finish(const Assignment&, uint64_t, std::string sha256, std::shared_ptr<Sender>,
                          absl::AnyInvocable<void(absl::StatusOr<End>)> done) {
  done(End{.trace_bytes = 0, .sha256 = std::move(sha256)});
}

HubDoor::HubDoor()
    : control_(std::make_shared<rpc::Outbox<v1::HubMsg>>(this)),
      trace_(std::make_shared<rpc::Outbox<v1::TraceReply>>(this)),
      // Not owned: this outlives the hub.
      session_(std::make_shared<session::AgentSession>(
          control_, std::shared_ptr<session::ControlStreamEnd>(std::shared_ptr<void>(), this),
          clock_)) {
  log::SetLevel(log::Level::kError);
  google::protobuf::SetLogHandler(nullptr);  // it would say of each bad text that it is bad
  v1::Hello hello;
  AgentId agent;
  const std::string dir = os::MakeTempDir("grange-fuzz").value();
  store_ = MakeStore(dir, clock_, agent);
  hello.set_agent_id(agent.value());
  hello.set_instance_id(std::string(16, 'i'));
  hello.set_session_counter(1);
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  hello.mutable_capacity()->set_slots(1);
  hub_ = std::make_unique<session::SessionHub>(session::SessionOptions{}, *store_, traces_, clock_,
                                               *this);
  hub_->OnHello(session_, kCredential, hello);
  while (!session_->ready) {
    GRANGE_CHECK(ends == 0);
    std::this_thread::yield();
  }
  // From here on nothing is asked of the database, and a fuzzer ends without destructors.
  GRANGE_CHECK(os::RemoveTree(dir).ok());
  session_->SetTraceStream(trace_, nullptr, nullptr);
  Clear();
}

HubDoor::~HubDoor() {
  session_->DropTraceStream();
  hub_.reset();
}

void HubDoor::Clear() {
  traces_.appended.clear();
  traces_.marks.clear();
  events.clear();
  results.clear();
  sent.clear();
  replies.clear();
  ends = 0;
}

void HubDoor::StartSend(const v1::HubMsg* message) {
  sent.push_back(*message);
  control_->OnSent(true);
}

void HubDoor::StartSend(const v1::TraceReply* message) {
  replies.push_back(*message);
  trace_->OnSent(true);
}

}  // namespace grange::fuzz
