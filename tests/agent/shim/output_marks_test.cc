#include "agent/shim/output_marks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace grange::shim {

bool operator==(const OutputMark& a, const OutputMark& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}
void PrintTo(const OutputMark& mark, std::ostream* out) {
  *out << mark.offset << " at " << mark.unix_ms << ", kind " << mark.kind << ", section "
       << mark.section;
}

namespace {

using ::testing::ElementsAre;

OutputMark Time(uint64_t offset, int64_t unix_ms) {
  return {.offset = offset, .unix_ms = unix_ms, .kind = OutputMark::kTime, .section = 0};
}
OutputMark Start(uint64_t offset, int64_t unix_ms, OutputMark::Section section) {
  return {
      .offset = offset, .unix_ms = unix_ms, .kind = OutputMark::kSectionStart, .section = section};
}
OutputMark End(uint64_t offset, int64_t unix_ms, OutputMark::Section section) {
  return {
      .offset = offset, .unix_ms = unix_ms, .kind = OutputMark::kSectionEnd, .section = section};
}

class OutputMarksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/grange-marks-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string path() const { return dir_ + "/marks"; }
  std::vector<OutputMark> Written() const {
    std::ifstream file(path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.size() % sizeof(OutputMark), 0u);
    std::vector<OutputMark> marks(bytes.size() / sizeof(OutputMark));
    std::memcpy(marks.data(), bytes.data(), marks.size() * sizeof(OutputMark));
    return marks;
  }

  std::string dir_;
};

TEST_F(OutputMarksTest, OneIn100MsOfOutput) {
  OutputMarks marks(path(), 1000);
  for (int i = 0; i < 30; ++i) marks.Note(static_cast<uint64_t>(i), 1000 + 10 * i);
  EXPECT_THAT(Written(), ElementsAre(Time(10, 1100), Time(20, 1200)));
}

TEST_F(OutputMarksTest, AJobThatIsOverWithin100MsHasNoFile) {
  OutputMarks marks(path(), 1000);
  marks.BeginSection(OutputMark::kScript);
  marks.Note(0, 1000);
  marks.Note(5, 1099);
  marks.EndSection(10, 1099);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(OutputMarksTest, StepsOfTheFirst100MsAreThereWithTheFirstTime) {
  OutputMarks marks(path(), 1000);
  marks.BeginSection(OutputMark::kPrepare);
  marks.Note(0, 1000);
  marks.EndSection(10, 1001);
  marks.BeginSection(OutputMark::kScript);
  marks.Note(10, 1002);
  marks.Note(20, 1200);
  EXPECT_THAT(Written(),
              ElementsAre(Start(0, 1000, OutputMark::kPrepare), End(10, 1001, OutputMark::kPrepare),
                          Start(10, 1002, OutputMark::kScript), Time(20, 1200)));
}

TEST_F(OutputMarksTest, ASilentJobHasNoFile) {
  OutputMarks marks(path(), 0);
  marks.BeginSection(OutputMark::kScript);
  marks.EndSection(0, 1000);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(OutputMarksTest, AStepWithOutputIsASection) {
  OutputMarks marks(path(), 0);
  marks.BeginSection(OutputMark::kPrepare);
  marks.Note(0, 1000);
  marks.EndSection(10, 1001);
  marks.BeginSection(OutputMark::kScript);
  marks.EndSection(10, 1002);
  marks.BeginSection(OutputMark::kAfterScript);
  marks.Note(10, 1003);
  marks.Note(20, 1004);
  marks.EndSection(30, 1005);
  EXPECT_THAT(Written(), ElementsAre(Start(0, 1000, OutputMark::kPrepare), Time(0, 1000),
                                     End(10, 1001, OutputMark::kPrepare),
                                     Start(10, 1003, OutputMark::kAfterScript),
                                     End(30, 1005, OutputMark::kAfterScript)));
}

TEST_F(OutputMarksTest, AClockThatIsSetBackMakesAMark) {
  OutputMarks marks(path(), 4000);
  marks.Note(0, 5000);
  marks.Note(1, 3000);
  marks.Note(2, 3050);
  EXPECT_THAT(Written(), ElementsAre(Time(0, 5000), Time(1, 3000)));
}

TEST_F(OutputMarksTest, AJobThatPrintsForDaysHasNoMoreThanSome100000) {
  OutputMarks marks(path(), 0);
  constexpr int64_t kDays = 10;
  for (int64_t ms = 0; ms < kDays * 24 * 3600 * 1000; ms += 1000) {
    marks.Note(static_cast<uint64_t>(ms), ms);
  }
  EXPECT_LT(Written().size(), 100'000u);
  EXPECT_GT(Written().size(), 50'000u);
}

TEST_F(OutputMarksTest, WhereThereIsNoFileNothingHappens) {
  OutputMarks marks(dir_ + "/none/marks", 0);
  marks.BeginSection(OutputMark::kScript);
  marks.Note(0, 1000);
  marks.Note(1, 2000);
  marks.EndSection(2, 3000);
}

TEST_F(OutputMarksTest, WhatADiskDidNotTakeIsTriedWithTheNextOutput) {
  OutputMarks marks(dir_ + "/later/marks", 0);
  marks.BeginSection(OutputMark::kScript);
  marks.Note(0, 1000);
  std::filesystem::create_directory(dir_ + "/later");
  marks.Note(5, 1010);
  std::filesystem::rename(dir_ + "/later/marks", path());
  EXPECT_THAT(Written(), ElementsAre(Start(5, 1010, OutputMark::kScript), Time(5, 1010)));
}

TEST(OutputMarkTest, WhatAMachineThatWentDownLeftIsNoMark) {
  EXPECT_FALSE(IsWhole({}));
  EXPECT_FALSE(IsWhole({.offset = 1, .unix_ms = 2, .kind = 7, .section = 0}));
  EXPECT_FALSE(IsWhole({.offset = 1, .unix_ms = 2, .kind = OutputMark::kSectionStart}));
  EXPECT_FALSE(IsWhole({.kind = OutputMark::kTime, .section = 9}));
  EXPECT_TRUE(IsWhole(Time(1, 2)));
  EXPECT_TRUE(IsWhole(Start(1, 2, OutputMark::kPrepare)));
}

}  // namespace
}  // namespace grange::shim
