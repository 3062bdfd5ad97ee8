#include "tools/ctl/logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grange::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CleanLinesTest, TakesColoursOut) {
  EXPECT_THAT(CleanLines("\x1b[32;1mok\x1b[0m\nnext\n"), ElementsAre("ok", "next"));
}

TEST(CleanLinesTest, LeavesTheLastStateOfALineThatWasWrittenOver) {
  EXPECT_THAT(CleanLines("10%\r50%\r100%\ndone"), ElementsAre("100%", "done"));
  EXPECT_THAT(CleanLines("windows\r\n"), ElementsAre("windows"));
}

TEST(CleanLinesTest, TakesSectionMarksOut) {
  EXPECT_THAT(CleanLines("section_start:1:build\r\x1b[0KBuilding\nsection_end:2:build\r\x1b[0K\n"),
              ElementsAre("Building"));
}

TEST(CleanLinesTest, MakesBinaryBytesPrintable) {
  EXPECT_THAT(CleanLines(std::string("a\0\xff\n", 4)), ElementsAre("a\\x00\\xff"));
  EXPECT_THAT(CleanLines(""), IsEmpty());
}

}  // namespace
}  // namespace grange::ctl
