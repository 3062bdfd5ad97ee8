#include "coordinator/session/read_pause.h"

#include <gtest/gtest.h>

namespace grange::session {
namespace {

class ReadPauseTest : public ::testing::Test {
 protected:
  int reads_ = 0;
  ReadPause pause_{[this] { ++reads_; }};
};

TEST_F(ReadPauseTest, HoldsNothingThatNobodyWanted) {
  EXPECT_FALSE(pause_.Hold());
  pause_.Want();
  pause_.Forget();
  EXPECT_FALSE(pause_.Hold());
  pause_.Go();
  EXPECT_EQ(reads_, 0);
}

TEST_F(ReadPauseTest, AHeldReadBeginsOnceWhenThereIsRoom) {
  pause_.Want();
  EXPECT_TRUE(pause_.Hold());
  pause_.Go();
  pause_.Go();
  EXPECT_EQ(reads_, 1);
}

TEST_F(ReadPauseTest, RoomThatCameBeforeTheHoldIsNotForgotten) {
  pause_.Want();
  pause_.Go();
  EXPECT_FALSE(pause_.Hold());
  EXPECT_EQ(reads_, 0);
}

TEST_F(ReadPauseTest, TheEndOfTheCallLetsGoForEver) {
  pause_.Want();
  EXPECT_TRUE(pause_.Hold());
  pause_.Stop();
  EXPECT_EQ(reads_, 1);
  pause_.Go();
  pause_.Want();
  EXPECT_FALSE(pause_.Hold());
  EXPECT_EQ(reads_, 1);
}

}  // namespace
}  // namespace grange::session
