// What the hub does with sessions that fall silent and with what arrives from one that is over.
#include "coordinator/session/session_hub.h"

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

}  // namespace
}  // namespace grange::session
