#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Hash(char c) { return std::string(32, c); }

class AgentsTest : public StoreFixture {
 protected:
  TokenRow MakeToken(int uses, std::vector<std::string> tags = {}) {
    TokenRow token;
    token.hash = Hash(next_++);
    token.uses_left = uses;
    token.tags = std::move(tags);
    token.created_at = clock().Now();
    token.expires_at = clock().Now() + absl::Hours(1);
    EXPECT_TRUE(store().CreateToken(token, "").ok());
    return token;
  }
  AgentRow AnAgent(absl::string_view name) {
    AgentRow agent;
    agent.name = std::string(name);
    agent.credential_hash = Hash(next_++);
    return agent;
  }
  absl::Status Register(const TokenRow& token, AgentRow& agent, absl::string_view key = "") {
    return store().RegisterAgent(token.hash, key, clock().Now(), agent);
  }

 private:
  char next_ = 'A';
};

TEST_F(AgentsTest, ATokenRegistersAsManyAgentsAsItHasUses) {
  const TokenRow token = MakeToken(2);
  AgentRow first = AnAgent("one"), second = AnAgent("two"), third = AnAgent("three");
  EXPECT_TRUE(Register(token, first).ok());
  EXPECT_TRUE(Register(token, second).ok());

  const absl::Status status = Register(token, third);

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("used up"));
  EXPECT_THAT(*store().ListAgents(), SizeIs(2));
  EXPECT_EQ(store().FindToken(token.hash)->used, 2);
}

TEST_F(AgentsTest, SaysWhyATokenIsRefused) {
  AgentRow agent = AnAgent("one");
  EXPECT_TRUE(absl::IsNotFound(store().RegisterAgent(Hash('?'), "", clock().Now(), agent)));

  const TokenRow revoked = MakeToken(1);
  ASSERT_TRUE(store().RevokeToken(revoked.id).ok());
  EXPECT_THAT(std::string(Register(revoked, agent).message()), HasSubstr("was revoked"));

  const TokenRow old = MakeToken(1);
  clock().Advance(absl::Hours(2));
  EXPECT_THAT(std::string(Register(old, agent).message()), HasSubstr("expired at"));

  TokenRow user;
  user.kind = TokenRow::Kind::kUser;
  user.hash = Hash('u');
  ASSERT_TRUE(store().CreateToken(user, "").ok());
  EXPECT_TRUE(absl::IsNotFound(Register(user, agent)));
}

TEST_F(AgentsTest, T1ATokenIsRefusedFromOutsideItsRangesAndKeepsItsUse) {
  TokenRow token;
  token.hash = Hash('r');
  token.uses_left = 1;
  token.from = {"10.1.0.0/16", "2001:db8::/32"};
  ASSERT_TRUE(store().CreateToken(token, "").ok());
  AgentRow agent = AnAgent("one");
  for (const char* peer : {"10.2.0.7:41022", "[2001:db9::1]:41022", "[::1]:1", "unix:/run/x", ""}) {
    const absl::Status status =
        store().RegisterAgent(token.hash, "key", clock().Now(), agent, peer);
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << peer << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("only from 10.1.0.0/16, 2001:db8::/32;"));
  }
  EXPECT_THAT(
      std::string(
          store().RegisterAgent(token.hash, "", clock().Now(), agent, "10.2.0.7:1").message()),
      HasSubstr("may not be used from 10.2.0.7, "));
  EXPECT_EQ(store().FindToken(token.hash)->uses_left, 1);
  EXPECT_THAT(*store().ListAgents(), IsEmpty());

  EXPECT_TRUE(
      store().RegisterAgent(token.hash, "key", clock().Now(), agent, "[::ffff:10.1.2.3]:1").ok());
  EXPECT_THAT(store().ListTokens()->front().from, ElementsAre("10.1.0.0/16", "2001:db8::/32"));
  // Whoever has overheard the request key of the registration gets no further.
  EXPECT_TRUE(absl::IsPermissionDenied(
      store().RegisterAgent(token.hash, "key", clock().Now(), agent, "10.2.0.7:41022")));
}

TEST_F(AgentsTest, T1EachUseOfATokenIsInTheAuditLogAlsoThoseThatAreRefused) {
  TokenRow token = MakeToken(1);
  token.from = {"10.1.0.0/16"};
  token.hash = Hash('r');
  ASSERT_TRUE(store().CreateToken(token, "").ok());
  AgentRow first = AnAgent("first"), second = AnAgent("second");
  const absl::Time now = clock().Now();
  EXPECT_TRUE(store().RegisterAgent(token.hash, "", now, first, "10.1.0.1:1").ok());
  EXPECT_FALSE(store().RegisterAgent(token.hash, "", now, second, "10.1.0.2:2").ok());
  EXPECT_FALSE(store().RegisterAgent(token.hash, "", now, second, "10.3.0.3:3").ok());
  EXPECT_FALSE(
      store().RegisterAgent(token.hash, "", now + absl::Hours(2), second, "10.1.0.4:4").ok());
  EXPECT_FALSE(store().RegisterAgent(Hash('?'), "", now, second, "10.1.0.5:5").ok());

  const std::vector<AuditRow> rows = *store().ListAudit(10, 0, "");
  std::vector<std::string> uses;
  for (const AuditRow& row : rows) {
    EXPECT_EQ(row.actor.token, token.id);
    EXPECT_EQ(row.actor.call, "register");
    uses.push_back(absl::StrCat(row.actor.peer, " ", row.actor.user, " ", row.text));
  }
  const std::string refused =
      absl::StrCat("agent second refused with token ", token.id.value(), ": ");
  EXPECT_THAT(uses,
              ElementsAre(HasSubstr(absl::StrCat("10.1.0.4:4 ", refused,
                                                 "the registration token "
                                                 "expired at")),
                          HasSubstr(absl::StrCat("10.3.0.3:3 ", refused,
                                                 "the registration token "
                                                 "may not be used from 10.3.0.3")),
                          HasSubstr(absl::StrCat("10.1.0.2:2 ", refused,
                                                 "the registration token "
                                                 "is used up")),
                          absl::StrCat("10.1.0.1:1 agent first agent first is registered with "
                                       "token ",
                                       token.id.value())));
}

TEST_F(AgentsTest, ARegistrationThatIsRepeatedGivesTheSameAgentWithTheNewCredential) {
  const TokenRow token = MakeToken(1);
  AgentRow first = AnAgent("one"), again = AnAgent("one");
  ASSERT_TRUE(Register(token, first, "key").ok());

  ASSERT_TRUE(Register(token, again, "key").ok());

  EXPECT_EQ(again.id, first.id);
  EXPECT_TRUE(absl::IsNotFound(store().FindAgentByCredential(first.credential_hash).status()));
  EXPECT_EQ(store().FindAgentByCredential(again.credential_hash)->id, first.id);
}

TEST_F(AgentsTest, ARequestKeyOfAnotherTokenGivesNobodyElsesAgent) {
  const TokenRow token = MakeToken(1), other = MakeToken(1);
  AgentRow mine = AnAgent("one"), thief = AnAgent("one");
  ASSERT_TRUE(Register(token, mine, "key").ok());

  EXPECT_TRUE(absl::IsPermissionDenied(Register(other, thief, "key")));

  EXPECT_EQ(store().FindAgentByCredential(mine.credential_hash)->id, mine.id);
}

TEST_F(AgentsTest, ATokenWithTagsLimitsTheAgentToThem) {
  const TokenRow token = MakeToken(5, {"gpu", "linux"});
  AgentRow none = AnAgent("none"), some = AnAgent("some"), other = AnAgent("other");
  some.tags = {"linux"};
  other.tags = {"prod"};

  ASSERT_TRUE(Register(token, none).ok());
  ASSERT_TRUE(Register(token, some).ok());

  EXPECT_THAT(none.tags, ElementsAre("gpu", "linux"));
  EXPECT_THAT(some.tags, ElementsAre("linux"));
  EXPECT_THAT(std::string(Register(token, other).message()), HasSubstr("tag 'prod'"));
}

TEST_F(AgentsTest, ANameIsInUseUntilItsAgentIsRemoved) {
  const TokenRow token = MakeToken(5);
  AgentRow first = AnAgent("one"), second = AnAgent("one");
  ASSERT_TRUE(Register(token, first).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Register(token, second)));
  EXPECT_EQ(store().FindToken(token.hash)->used, 1);  // the refused one took no use

  ASSERT_TRUE(store().RemoveAgent(first.id).ok());

  EXPECT_TRUE(Register(token, second).ok());
  EXPECT_TRUE(absl::IsNotFound(store().GetAgent(first.id).status()));
}

TEST_F(AgentsTest, AnAgentWithAJobIsNotRemoved) {
  AgentRow agent = AnAgent("one");
  ASSERT_TRUE(Register(MakeToken(1), agent).ok());
  ASSERT_EQ(agent.id, AgentId(1));
  Run(Submit({"test"}).Progress(0), 1);

  const absl::Status status = store().RemoveAgent(agent.id);

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("drain"));
}

TEST_F(AgentsTest, AnOldAttemptStillNamesARemovedAgent) {
  AgentRow agent = AnAgent("one");
  ASSERT_TRUE(Register(MakeToken(1), agent).ok());
  schedule::StoreJob job = Run(Submit({"test"}).Progress(0), 1);
  job.phase = schedule::Phase::kNone;
  job.state = lifecycle::JobState::kSuccess;
  ASSERT_TRUE(CommitRow(job).ok());

  ASSERT_TRUE(store().RemoveAgent(agent.id).ok());

  EXPECT_EQ(store().GetAttempt(job.id, 1)->agent_name, "one");
}

TEST_F(AgentsTest, ASessionCounterOnlyGrowsUntilItIsReset) {
  AgentRow agent = AnAgent("one");
  ASSERT_TRUE(Register(MakeToken(1), agent).ok());
  const absl::Time now = clock().Now();
  EXPECT_TRUE(store().AdvanceSessionCounter(agent.id, 5, now, "0.1.0").ok());
  for (const uint64_t counter : {4, 5}) {
    EXPECT_TRUE(
        absl::IsFailedPrecondition(store().AdvanceSessionCounter(agent.id, counter, now, "0.1.0")));
  }
  EXPECT_EQ(store().GetAgent(agent.id)->version, "0.1.0");

  ASSERT_TRUE(store().ResetAgent(agent.id).ok());

  EXPECT_TRUE(store().AdvanceSessionCounter(agent.id, 1, now, "0.1.0").ok());
}

TEST_F(AgentsTest, A6_AnAlarmStandsWithItsFirstTimeUntilTheAgentIsReset) {
  AgentRow agent = AnAgent("one");
  ASSERT_TRUE(Register(MakeToken(1), agent).ok());
  EXPECT_EQ(store().GetAgent(agent.id)->alarm, "");
  const absl::Time first = clock().Now();

  ASSERT_TRUE(store().SetAgentAlarm(agent.id, "used twice", "10.0.0.1", first).ok());
  ASSERT_TRUE(
      store().SetAgentAlarm(agent.id, "went back", "10.0.0.2", first + absl::Hours(1)).ok());

  EXPECT_EQ(store().GetAgent(agent.id)->alarm, "went back");
  EXPECT_EQ(store().GetAgent(agent.id)->alarm_since, first);
  EXPECT_EQ(store().GetAgent(agent.id)->alarm_from, "10.0.0.2");
  ASSERT_TRUE(store().ResetAgent(agent.id).ok());
  EXPECT_EQ(store().GetAgent(agent.id)->alarm, "");
}

TEST_F(AgentsTest, ATokenThatIsMadeTwiceWithOneKeyIsOneToken) {
  TokenRow first, again;
  first.hash = Hash('x');
  again.hash = Hash('y');
  ASSERT_TRUE(store().CreateToken(first, "key").ok());

  ASSERT_TRUE(store().CreateToken(again, "key").ok());

  EXPECT_EQ(again.id, first.id);
  EXPECT_THAT(*store().ListTokens(), SizeIs(1));
  EXPECT_TRUE(absl::IsNotFound(store().FindToken(first.hash).status()));
  EXPECT_EQ(store().FindToken(again.hash)->id, first.id);
}

TEST_F(AgentsTest, ADrainsDeadlineIsKeptUntilTheNextDrainOrItsEnd) {
  AgentRow agent = AnAgent("one");
  ASSERT_TRUE(Register(MakeToken(1), agent).ok());
  EXPECT_EQ(store().GetAgent(agent.id)->drain_until, absl::InfiniteFuture());
  const absl::Time until = clock().Now() + absl::Minutes(30);
  ASSERT_TRUE(store().SetAgentDraining(agent.id, true, until).ok());
  EXPECT_EQ(store().GetAgent(agent.id)->drain_until, until);
  ASSERT_TRUE(store().SetAgentDraining(agent.id, true).ok());
  EXPECT_EQ(store().GetAgent(agent.id)->drain_until, absl::InfiniteFuture());
  ASSERT_TRUE(store().SetAgentDraining(agent.id, true, until).ok());
  ASSERT_TRUE(store().SetAgentDraining(agent.id, false, until).ok());
  EXPECT_EQ(store().GetAgent(agent.id)->drain_until, absl::InfiniteFuture());
}

TEST_F(AgentsTest, WhatIsNotThereIsNamed) {
  EXPECT_TRUE(absl::IsNotFound(store().SetAgentDraining(AgentId(99), true)));
  EXPECT_TRUE(absl::IsNotFound(store().SetAgentRevoked(AgentId(99))));
  EXPECT_TRUE(absl::IsNotFound(store().RemoveAgent(AgentId(99))));
  EXPECT_TRUE(absl::IsNotFound(store().RevokeToken(TokenId(99))));
  EXPECT_TRUE(absl::IsNotFound(store().GetJob(JobId(99)).status()));
  EXPECT_TRUE(absl::IsNotFound(store().GetPipeline(PipelineId(99)).status()));
  EXPECT_THAT(*store().ListAgents(), IsEmpty());
}

}  // namespace
}  // namespace grange::store
