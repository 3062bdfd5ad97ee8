#include "tests/coordinator/session/hub_bench.h"

#include <utility>

#include "common/base/crc32c.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/rpc/token_text.h"
#include "coordinator/session/trace_chunk.h"
#include "coordinator/store/sqlite_store.h"
#include "gtest/gtest.h"

namespace grange::session {
namespace {

constexpr absl::Duration kTooLong = absl::Seconds(10);

}  // namespace

FakeSession::FakeSession(const Clock& clock)
    : outbox_(std::make_shared<rpc::Outbox<v1::HubMsg>>(this)),
      // Not owned: the bench keeps it until the hub has gone.
      session_(std::make_shared<AgentSession>(
          outbox_, std::shared_ptr<ControlStreamEnd>(std::shared_ptr<void>(), this), clock)) {}

std::vector<v1::HubMsg> FakeSession::sent() const {
  base::MutexLock lock(mu_);
  return sent_;
}

bool FakeSession::canceled() const {
  base::MutexLock lock(mu_);
  return canceled_;
}

void FakeSession::StartSend(const v1::HubMsg* message) {
  {
    base::MutexLock lock(mu_);
    sent_.push_back(*message);
  }
  outbox_->OnSent(true);
}

void FakeSession::End(const absl::Status& status) {
  {
    base::MutexLock lock(mu_);
    end_ = status;
    ended_.SignalAll();
  }
  outbox_->Close();
}

absl::Status FakeSession::WaitForEnd() {
  const os::Deadline deadline(kTooLong);
  base::MutexLock lock(mu_);
  while (end_.ok() && !deadline.IsOver()) ended_.WaitWithTimeout(mu_, deadline.Left());
  return end_;
}

void FakeSession::Cancel(const absl::Status&) {
  {
    base::MutexLock lock(mu_);
    canceled_ = true;
  }
  outbox_->Abort();
}

HubBench::HubBench(SessionOptions options) : dir_(os::MakeTempDir("grange-hub-test").value()) {
  store_ = store::OpenSqliteStore(dir_ + "/grange.db", dir_ + "/keys/store.key", clock_).value();
  trace::TraceStore::Options traces;
  traces.dir = dir_ + "/traces";
  traces_ = trace::TraceStore::Open(traces, *store_, clock_).value();
  EXPECT_TRUE(traces_->Recover().ok());
  store::TokenRow token;
  token.hash = rpc::TokenHash("registration");
  token.uses_left = 1;
  EXPECT_TRUE(store_->CreateToken(token, "").ok());
  credential_ = "credential";
  store::AgentRow agent;
  agent.name = "build-1";
  agent.credential_hash = rpc::TokenHash(credential_);
  EXPECT_TRUE(store_->RegisterAgent(token.hash, "", clock_.Now(), agent).ok());
  agent_ = agent.id;
  hub_ = std::make_unique<SessionHub>(options, *store_, *traces_, clock_, *this);
}

HubBench::~HubBench() {
  hub_.reset();
  traces_.reset();
  store_.reset();
  os::RemoveTree(dir_).IgnoreError();  // a leftover of a test that failed
}

v1::Hello HubBench::Hello(uint64_t counter) const {
  v1::Hello hello;
  hello.set_agent_id(agent_.value());
  hello.set_instance_id(std::string(16, 'i'));
  hello.set_session_counter(counter);
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  hello.mutable_capacity()->set_slots(1);
  return hello;
}

std::shared_ptr<FakeSession> HubBench::Open(const v1::Hello& hello) {
  int before = 0;
  {
    base::MutexLock lock(mu_);
    for (const schedule::Event& event : events_) {
      before += std::holds_alternative<schedule::AgentConnected>(event);
    }
  }
  auto session = std::make_shared<FakeSession>(clock_);
  sessions_.push_back(session);
  hub_->OnHello(session->session(), credential_, hello);
  EXPECT_TRUE(WaitFor<schedule::AgentConnected>(before + 1));
  EXPECT_TRUE(Wait([&] { return session->session()->ready.load(); }));
  return session;
}

absl::Status HubBench::OpenRefused(const v1::Hello& hello) {
  sessions_.push_back(std::make_shared<FakeSession>(clock_));
  hub_->OnHello(sessions_.back()->session(), credential_, hello);
  return sessions_.back()->WaitForEnd();
}

Assignment HubBench::Grant() {
  store::PipelineRow pipeline;
  pipeline.project = store_->FindOrMakeProject("portal", {})->id;
  pipeline.commit.sha = std::string(40, 'a');
  std::vector<store::JobRow> jobs(1);
  jobs[0].name = "build";
  std::optional<std::string> earlier;
  EXPECT_TRUE(store_->CreatePipeline(pipeline, jobs, "", &earlier).ok());
  schedule::StoreJob row = jobs[0].progress;
  row.id = jobs[0].id;
  row.pipeline = pipeline.id;
  row.attempt = 1;
  row.phase = schedule::Phase::kGranted;
  row.state = lifecycle::JobState::kRunning;
  row.fence = Fence{7};
  row.agent = agent_;
  EXPECT_TRUE(store_->Commit({row}).ok());
  const Assignment assignment{row.id, row.attempt, row.fence};
  hub_->gate().Open(assignment, agent_);
  return assignment;
}

void HubBench::Chunk(FakeSession& session, const Assignment& assignment, uint64_t offset,
                     const std::string& bytes, absl::StatusCode expected) {
  v1::TraceChunk chunk;
  ToProto(assignment, chunk.mutable_assignment());
  chunk.set_offset(offset);
  chunk.set_data(bytes);
  chunk.set_crc32c(Crc32c(bytes));
  EXPECT_EQ(TakeChunk(*hub_, session.session(), chunk).status().code(), expected);
}

void HubBench::Result(FakeSession& session, const Assignment& assignment,
                      const std::string& trace) {
  v1::AgentMsg message;
  v1::JobResult& result = *message.mutable_result();
  ToProto(assignment, result.mutable_assignment());
  result.set_reason(v1::FAILURE_REASON_NONE);
  result.set_trace_bytes(trace.size());
  result.set_trace_sha256(os::Sha256Of(trace));
  EXPECT_TRUE(hub_->OnMessage(session.session(), message).ok());
}

std::optional<JobResult> HubBench::NextResult() {
  if (!Wait([this] { return !results_.empty(); })) return std::nullopt;
  base::MutexLock lock(mu_);
  JobResult result = std::move(results_.front());
  results_.pop_front();
  return result;
}

void HubBench::OnEvent(schedule::Event event) {
  base::MutexLock lock(mu_);
  events_.push_back(std::move(event));
  changed_.SignalAll();
}

void HubBench::OnResult(JobResult result) {
  base::MutexLock lock(mu_);
  results_.push_back(std::move(result));
  changed_.SignalAll();
}

void HubBench::OnNote(JobId) {
  base::MutexLock lock(mu_);
  ++notes_;
}

int HubBench::notes() {
  base::MutexLock lock(mu_);
  return notes_;
}

bool HubBench::Wait(const std::function<bool()>& done) {
  const absl::Duration until = clock_.SinceBoot() + kTooLong;
  base::MutexLock lock(mu_);
  while (!done()) {
    if (clock_.SinceBoot() > until) return false;
    changed_.WaitWithTimeout(mu_, absl::Milliseconds(20));
  }
  return true;
}

}  // namespace grange::session
