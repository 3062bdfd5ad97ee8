// What the hub does with sessions that fall silent and with what arrives from one that is over.
#include "coordinator/session/session_hub.h"

#include <memory>
#include <utility>
#include <vector>

#include "coordinator/session/mark_message.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/session/hub_bench.h"

namespace grange::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kLimit = absl::Seconds(2);

TEST(SessionHubTest, N3ASilentAgentIsNoticedAtTheLimitAndItsCallIsCanceled) {
  HubBench bench({.silence_limit = kLimit});
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  ASSERT_TRUE(bench.WaitFor<schedule::AgentDisconnected>());
  EXPECT_GE(session->session()->silence(), kLimit);
  EXPECT_LT(session->session()->silence(), kLimit * 1.15);
  EXPECT_TRUE(session->canceled());
}

TEST(SessionHubTest, N3AnAgentThatIsHeardIsNotDisconnected) {
  HubBench bench({.silence_limit = absl::Milliseconds(300)});
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  v1::AgentMsg heartbeat;
  heartbeat.mutable_heartbeat()->set_sent_at_ms(1);
  const absl::Duration until = bench.clock().SinceBoot() + absl::Milliseconds(900);
  while (bench.clock().SinceBoot() < until) {
    ASSERT_TRUE(bench.hub().OnMessage(session->session(), heartbeat).ok());
    ASSERT_FALSE(session->canceled());
  }
  EXPECT_TRUE(bench.WaitFor<schedule::AgentDisconnected>());
}

TEST(SessionHubTest, FeaturesOfAHelloReachTheSchedulerAndTheWelcomeHasThoseInCommon) {
  HubBench bench;
  v1::Hello hello = bench.Hello(1);
  for (const char* name : {"trace_limit_fail", "of_a_newer_agent", "job_limits"}) {
    hello.add_features(name);
  }
  hello.set_version("0.9.0");
  const std::shared_ptr<FakeSession> session = bench.Open(hello);
  const std::optional<schedule::AgentConnected> connected = bench.Last<schedule::AgentConnected>();
  ASSERT_TRUE(connected.has_value());
  EXPECT_THAT(connected->features,
              ElementsAre("trace_limit_fail", "of_a_newer_agent", "job_limits"));
  EXPECT_EQ(connected->version, "0.9.0");
  bench.hub().SendWelcome(
      {.agent = bench.agent(), .session = session->session()->id, .verdicts = {}});
  ASSERT_TRUE(session->sent().back().has_welcome());
  EXPECT_THAT(session->sent().back().welcome().features(),
              ElementsAre("trace_limit_fail", "job_limits"));
}

TEST(SessionHubTest, ADrainCarriesWhatIsLeftAndNeverTheZeroThatMeansForEver) {
  HubBench bench;
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  const schedule::SendDrain drain{.agent = bench.agent(), .session = session->session()->id};
  const std::vector<std::pair<absl::Duration, int64_t>> cases = {
      {absl::Minutes(30), 1'800'000}, {absl::ZeroDuration(), 1}, {absl::InfiniteDuration(), 0}};
  for (const auto& [left, deadline_ms] : cases) {
    schedule::SendDrain sent = drain;
    sent.left = left;
    bench.hub().SendDrain(sent);
    ASSERT_TRUE(session->sent().back().has_drain());
    EXPECT_EQ(session->sent().back().drain().deadline_ms(), deadline_ms);
  }
  schedule::SendDrain resume = drain;
  resume.resume = true;
  bench.hub().SendDrain(resume);
  EXPECT_TRUE(session->sent().back().drain().resume());
  EXPECT_EQ(session->sent().back().drain().deadline_ms(), 0);
}

TEST(SessionHubTest, WhatAnAgentKeepsIsKnownAsItSaidLast) {
  HubBench bench;
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  v1::AgentMsg heartbeat;
  heartbeat.mutable_heartbeat()->set_sent_at_ms(1);
  ASSERT_TRUE(bench.hub().OnMessage(session->session(), heartbeat).ok());
  EXPECT_FALSE(bench.hub().KeptBy(bench.agent()).has_value());
  v1::Kept& kept = *heartbeat.mutable_heartbeat()->mutable_kept();
  kept.set_work_trees(2);
  kept.set_work_tree_bytes(1 << 20);
  ASSERT_TRUE(bench.hub().OnMessage(session->session(), heartbeat).ok());
  heartbeat.mutable_heartbeat()->clear_kept();
  ASSERT_TRUE(bench.hub().OnMessage(session->session(), heartbeat).ok());
  bench.hub().OnEnded(session->session());
  ASSERT_TRUE(bench.WaitFor<schedule::AgentDisconnected>());
  const std::optional<AgentKept> known = bench.hub().KeptBy(bench.agent());
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->work_trees, 2u);
  EXPECT_EQ(known->work_tree_bytes, 1u << 20);
}

TEST(SessionHubTest, N12AnAgentThatWasSentAwayMayNotFloodAgainAtOnce) {
  HubBench bench;
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  const absl::Status away = bench.hub().SendAway(session->session());
  EXPECT_EQ(away, absl::ResourceExhaustedError("this agent sent more than 2000 messages a second; "
                                               "it may come back in 10s"));
  bench.hub().OnEnded(session->session());
  const absl::Status refused = bench.OpenRefused(bench.Hello(2));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("it may come back in 10s"));
}

TEST(SessionHubTest, C11ConnectionsThatWaitToBeAdmittedAreLimited) {
  HubBench bench;
  std::vector<std::shared_ptr<FakeSession>> waiting;
  bool taken = true;
  while (taken && waiting.size() < 10'000) {
    waiting.push_back(std::make_shared<FakeSession>(bench.clock()));
    taken = bench.hub().OnOpened(waiting.back()->session());
  }
  EXPECT_FALSE(taken);
  bench.hub().OnEnded(waiting.front()->session());
  const std::shared_ptr<FakeSession> next = bench.Open(1);  // after it in the hub's order
  EXPECT_TRUE(bench.hub().OnOpened(waiting.back()->session()));
}

TEST(SessionHubTest, N6AResultOfAnOlderSessionDoesNotReplaceTheOneThatWaits) {
  HubBench bench;
  const Assignment job = bench.Grant();
  const std::shared_ptr<FakeSession> older = bench.Open(1);
  const std::shared_ptr<FakeSession> newer = bench.Open(2);
  bench.Result(*newer, job, "hello");  // its bytes are still on their way
  bench.Result(*older, job, "hello");
  bench.Chunk(*newer, job, 0, "hello");
  const std::optional<JobResult> result = bench.NextResult();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->session, newer->session()->id);
}

TEST(SessionHubTest, N6AChunkOfAnOlderSessionIsNotTaken) {
  HubBench bench;
  const Assignment job = bench.Grant();
  const std::shared_ptr<FakeSession> older = bench.Open(1);
  const std::shared_ptr<FakeSession> newer = bench.Open(2);
  bench.Chunk(*older, job, 0, "hel", absl::StatusCode::kUnauthenticated);
  bench.Chunk(*newer, job, 0, "hello");
  bench.Result(*newer, job, "hello");
  EXPECT_TRUE(bench.NextResult().has_value());
}

v1::TraceMark MarkOf(const Assignment& assignment, uint64_t offset) {
  v1::TraceMark mark;
  ToProto(assignment, mark.mutable_assignment());
  mark.set_offset(offset);
  mark.set_unix_ms(1000);
  mark.set_kind(v1::TraceMark::KIND_TIME);
  return mark;
}

std::vector<trace::Mark> MarksOf(HubBench& bench, const Assignment& assignment) {
  uint64_t position = 0;
  return bench.traces().ReadMarks(assignment.job, assignment.attempt, position).value();
}

TEST(SessionHubTest, N12OutputBeyondTheLimitOfItsJobBreaksTheProtocol) {
  HubBench bench;
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  const Assignment job = bench.Grant();
  JobSpec spec;
  spec.trace_limit_bytes = 1000;
  ASSERT_TRUE(bench.hub()
                  .SendOffer({.agent = bench.agent(),
                              .session = session->session()->id,
                              .assignment = job},
                             spec)
                  .ok());
  constexpr uint64_t kMax = 1000 + TraceGate::kOwnWordsMax;
  bench.Chunk(*session, job, kMax - 1, "x");
  bench.Chunk(*session, job, kMax, "x", absl::StatusCode::kInvalidArgument);
  v1::AgentMsg message;
  ToProto(job, message.mutable_result()->mutable_assignment());
  message.mutable_result()->set_reason(v1::FAILURE_REASON_NONE);
  message.mutable_result()->set_trace_bytes(kMax + 1);
  message.mutable_result()->set_trace_sha256(std::string(32, 'h'));
  const absl::Status refused = bench.hub().OnMessage(session->session(), message);
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("goes beyond"));
}

TEST(SessionHubTest, AMarkIsKeptBesideTheBytes) {
  HubBench bench;
  const Assignment job = bench.Grant();
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  EXPECT_TRUE(TakeMark(bench.hub(), session->session(), MarkOf(job, 0)).ok());
  bench.Chunk(*session, job, 0, "hello");
  bench.Result(*session, job, "hello");
  ASSERT_TRUE(bench.NextResult().has_value());
  EXPECT_EQ(MarksOf(bench, job), std::vector<trace::Mark>({{.offset = 0, .unix_ms = 1000}}));
}

TEST(SessionHubTest, N6AMarkOfAnOlderSessionOrOfAnotherRightIsNotTaken) {
  HubBench bench;
  const Assignment job = bench.Grant();
  const std::shared_ptr<FakeSession> older = bench.Open(1);
  const std::shared_ptr<FakeSession> newer = bench.Open(2);
  Assignment other = job;
  other.fence = Fence{FenceValue(job.fence) + 1};
  EXPECT_TRUE(absl::IsUnauthenticated(TakeMark(bench.hub(), older->session(), MarkOf(job, 0)).status()));
  EXPECT_TRUE(TakeMark(bench.hub(), newer->session(), MarkOf(other, 0)).ok());
  bench.Chunk(*newer, job, 0, "hello");
  bench.Result(*newer, job, "hello");
  ASSERT_TRUE(bench.NextResult().has_value());
  EXPECT_TRUE(MarksOf(bench, job).empty());
}

TEST(SessionHubTest, AMarkThatBreaksTheProtocolEndsTheStream) {
  HubBench bench;
  const Assignment job = bench.Grant();
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  std::vector<v1::TraceMark> bad(6, MarkOf(job, 0));
  bad[0].clear_assignment();
  bad[1].set_kind(v1::TraceMark::KIND_UNSPECIFIED);
  bad[2].set_kind(static_cast<v1::TraceMark::Kind>(9));
  bad[3].set_offset(~uint64_t{0});
  bad[4].set_name("a time has none");
  bad[5].set_unix_ms(-1);
  for (const v1::TraceMark& mark : bad) {
    EXPECT_TRUE(absl::IsInvalidArgument(TakeMark(bench.hub(), session->session(), mark).status()))
        << mark.DebugString();
  }
}

TEST(SessionHubTest, ANoteOfTheHolderIsShownUntilTheScriptStarts) {
  HubBench bench;
  const Assignment job = bench.Grant();
  const std::shared_ptr<FakeSession> session = bench.Open(1);
  v1::AgentMsg note;
  ToProto(job, note.mutable_note()->mutable_assignment());
  note.mutable_note()->set_text("fetching\x1b[2J\nsources" + std::string(1000, '.'));
  ASSERT_TRUE(bench.hub().OnMessage(session->session(), note).ok());
  EXPECT_EQ(bench.hub().gate().NoteOf(job.job).substr(0, 20), "fetching [2J sources");
  EXPECT_EQ(bench.hub().gate().NoteOf(job.job).size(), kNoteBytesMax);
  EXPECT_EQ(bench.notes(), 1);
  v1::AgentMsg started;
  ToProto(job, started.mutable_started()->mutable_assignment());
  ASSERT_TRUE(bench.hub().OnMessage(session->session(), started).ok());
  EXPECT_EQ(bench.hub().gate().NoteOf(job.job), "");
}

}  // namespace
}  // namespace grange::session
