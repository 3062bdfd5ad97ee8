// What the hub does with sessions that fall silent and with what arrives from one that is over.
#include "coordinator/session/session_hub.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "tests/coordinator/session/hub_bench.h"

namespace grange::session {
namespace {

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

}  // namespace
}  // namespace grange::session
