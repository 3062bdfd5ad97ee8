#include "tools/ctl/line_times.h"

#include <gtest/gtest.h>

namespace grange::ctl {
namespace {

v1::LogMark Mark(uint64_t offset, int64_t unix_ms) {
  v1::LogMark mark;
  mark.set_offset(offset);
  mark.set_unix_ms(unix_ms);
  mark.set_kind(v1::TraceMark::KIND_TIME);
  return mark;
}

class LineTimesTest : public ::testing::Test {
 protected:
  LineTimes times_{absl::UTCTimeZone()};
};

TEST_F(LineTimesTest, ALineHasTheTimeOfTheNewestMarkAtOrBeforeItsFirstByte) {
  times_.Add(Mark(0, 1000));
  times_.Add(Mark(5, 2000));  // in the middle of the second line
  times_.Add(Mark(8, 3000));
  EXPECT_EQ(times_.Stamp("one\ntwo\nthree\nfour\n"),
            "00:00:01.000 one\n00:00:01.000 two\n00:00:03.000 three\n00:00:03.000 four\n");
}

TEST_F(LineTimesTest, ALineThatComesInPartsHasOne) {
  times_.Add(Mark(0, 1000));
  EXPECT_EQ(times_.Stamp("o"), "00:00:01.000 o");
  times_.Add(Mark(1, 2000));
  EXPECT_EQ(times_.Stamp("ne"), "ne");
  EXPECT_EQ(times_.Stamp("\n"), "\n");
  EXPECT_EQ(times_.Stamp(""), "");
  EXPECT_EQ(times_.Stamp("two"), "00:00:02.000 two");
}

TEST_F(LineTimesTest, TheLastLineGetsNoLineFeed) {
  times_.Add(Mark(0, 0));
  EXPECT_EQ(times_.Stamp("one\ntwo"), "00:00:00.000 one\n00:00:00.000 two");
}

TEST_F(LineTimesTest, WhatIsNoTextStaysAsItIs) {
  times_.Add(Mark(0, 86'399'999));
  const std::string bytes("a\0\xff\r\x1b[0K\n\n\n", 11);
  EXPECT_EQ(times_.Stamp(bytes), "23:59:59.999 " + std::string("a\0\xff\r\x1b[0K\n", 9) +
                                     "23:59:59.999 \n23:59:59.999 \n");
}

TEST_F(LineTimesTest, ALineOfWhichNoTimeIsKnownGetsDashes) {
  EXPECT_EQ(times_.Stamp("one\n"), "--:--:--.--- one\n");
  times_.Add(Mark(8, 1000));
  EXPECT_EQ(times_.Stamp("two\nthree\n"), "--:--:--.--- two\n00:00:01.000 three\n");
}

TEST_F(LineTimesTest, MarksThatComeAgainChangeNothing) {
  times_.Add(Mark(0, 1000));
  times_.Add(Mark(4, 2000));
  times_.Add(Mark(0, 1000));
  times_.Add(Mark(4, 2000));
  EXPECT_EQ(times_.Stamp("one\n"), "00:00:01.000 one\n");
  times_.Add(Mark(0, 1000));  // after a break
  times_.Add(Mark(4, 2000));
  EXPECT_EQ(times_.Stamp("two\n"), "00:00:02.000 two\n");
}

}  // namespace
}  // namespace grange::ctl
