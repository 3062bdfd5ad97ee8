#include "coordinator/session/guess_limit.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace grange::session {
namespace {

constexpr absl::Duration kStart = absl::Seconds(100);
constexpr char kPeer[] = "192.0.2.7:41022";

// Wrong tokens from `peer` until it may try no more; how many were looked at.
int GuessUntilRefused(GuessLimit& limit, const std::string& peer, absl::Duration now) {
  int looked_at = 0;
  while (looked_at < 1000 && limit.Admit(peer, absl::StrCat("wrong", looked_at), now).ok()) {
    (void)limit.Wrong(peer, now);
    ++looked_at;
  }
  return looked_at;
}

TEST(GuessLimitTest, T7AnAddressMayBeWrongTwentyTimesThenOnceEachThreeSeconds) {
  GuessLimit limit;
  EXPECT_EQ(GuessUntilRefused(limit, kPeer, kStart), GuessLimit::kWrongAtOnce);
  EXPECT_EQ(GuessUntilRefused(limit, kPeer, kStart + absl::Seconds(2)), 0);
  EXPECT_EQ(GuessUntilRefused(limit, kPeer, kStart + absl::Seconds(3)), 1);
  EXPECT_EQ(GuessUntilRefused(limit, kPeer, kStart + absl::Minutes(10)), GuessLimit::kWrongAtOnce);
}

TEST(GuessLimitTest, T7TheRefusalSaysHowLongToWait) {
  GuessLimit limit;
  GuessUntilRefused(limit, kPeer, kStart);
  const absl::Status refused = limit.Admit(kPeer, "x", kStart + absl::Seconds(1));
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_NE(refused.message().find("try again in 2s"), std::string::npos) << refused;
}

TEST(GuessLimitTest, T7WhatWasRightBeforeGoesThrough) {
  GuessLimit limit;
  limit.Right(kPeer, "right", kStart);
  GuessUntilRefused(limit, kPeer, kStart);
  EXPECT_TRUE(limit.Admit(kPeer, "right", kStart).ok());
  EXPECT_FALSE(limit.Admit(kPeer, "never seen", kStart).ok());
}

TEST(GuessLimitTest, T7TheAlarmIsGivenOnceEachTime) {
  GuessLimit limit;
  int alarms = 0;
  for (int i = 0; i < 3 * GuessLimit::kWrongAtOnce; ++i) alarms += limit.Wrong(kPeer, kStart);
  EXPECT_EQ(alarms, 1);
}

TEST(GuessLimitTest, T7AddressesAreToldApartByHostAndIpv6Network) {
  struct {
    const char* guesser;
    const char* other;
    bool same;
  } const cases[] = {{"192.0.2.7:1", "192.0.2.7:2", true},
                     {"192.0.2.7:1", "192.0.2.8:1", false},
                     {"[2001:db8::1]:1", "[2001:db8::2:3]:9", true},
                     {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false}};
  for (const auto& c : cases) {
    SCOPED_TRACE(absl::StrCat(c.guesser, " and ", c.other));
    GuessLimit limit;
    GuessUntilRefused(limit, c.guesser, kStart);
    EXPECT_EQ(!limit.Admit(c.other, "x", kStart).ok(), c.same);
  }
}

TEST(GuessLimitTest, T7ManyAddressesTakeBoundedMemory) {
  GuessLimit limit;
  GuessUntilRefused(limit, kPeer, kStart);
  for (size_t i = 0; i < GuessLimit::kAddressesMax; ++i) {
    (void)limit.Wrong(absl::StrCat("10.", i >> 16, ".", i >> 8 & 255, ".", i & 255, ":1"), kStart);
  }
  EXPECT_TRUE(limit.Admit(kPeer, "x", kStart).ok());  // the oldest was forgotten
}

}  // namespace
}  // namespace grange::session
