#include "coordinator/trace/turn_pace.h"

#include <gtest/gtest.h>

namespace grange::trace {
namespace {

constexpr absl::Duration kStart = absl::Hours(100);
constexpr absl::Duration kTook = absl::Milliseconds(1);

class TurnPaceTest : public ::testing::Test {
 protected:
  // Whether it has to wait after that.
  bool Serve(const int& lane, uint64_t bytes) {
    now_ += kTook;
    pace_.Served(&lane, bytes, kTook, now_);
    return pace_.Next(&lane) > now_;
  }

  TurnPace pace_{{.free_bytes = 1000,
                  .free_bytes_a_second = 100,
                  .company = absl::Milliseconds(250),
                  .pause = 10,
                  .pause_max = absl::Milliseconds(100)}};
  absl::Duration now_ = kStart;
  const int flood_ = 0, quiet_ = 0;
};

TEST_F(TurnPaceTest, NobodyWaitsWhoIsAlone) {
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(Serve(flood_, 1000));
}

TEST_F(TurnPaceTest, BesideOthersWhoBringsMuchPausesTenTimesAsLongAsItsTurnTook) {
  Serve(quiet_, 1);
  EXPECT_FALSE(Serve(flood_, 1000));
  EXPECT_TRUE(Serve(flood_, 10));
  EXPECT_EQ(pace_.Next(&flood_), now_ + 10 * kTook);
  EXPECT_FALSE(Serve(quiet_, 1));
}

TEST_F(TurnPaceTest, WhatIsFreeIsFreeAgainAfterATime) {
  Serve(quiet_, 1);
  Serve(flood_, 1000);
  EXPECT_TRUE(Serve(flood_, 10));
  now_ += absl::Seconds(10);
  Serve(quiet_, 1);
  EXPECT_FALSE(Serve(flood_, 900));
  EXPECT_TRUE(Serve(flood_, 200));
}

TEST_F(TurnPaceTest, CompanyThatIsLongGoneDoesNotCount) {
  Serve(quiet_, 1);
  EXPECT_TRUE(Serve(flood_, 2000));
  now_ += absl::Milliseconds(300);
  EXPECT_FALSE(Serve(flood_, 2000));
}

TEST_F(TurnPaceTest, AlsoTwoThatBringMuchKeepEachOtherCompany) {
  const int other = 0;
  Serve(flood_, 2000);
  EXPECT_TRUE(Serve(other, 2000));
  EXPECT_TRUE(Serve(flood_, 2000));
}

TEST_F(TurnPaceTest, OneLongTurnIsNotFollowedByALongPause) {
  Serve(quiet_, 1);
  now_ += absl::Milliseconds(200);
  pace_.Served(&flood_, 2000, absl::Milliseconds(200), now_);
  EXPECT_EQ(pace_.Next(&flood_), now_ + absl::Milliseconds(100));
}

}  // namespace
}  // namespace grange::trace
