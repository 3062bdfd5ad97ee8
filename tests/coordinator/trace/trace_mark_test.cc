#include "coordinator/trace/trace_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/os/files.h"
#include "tests/coordinator/trace/trace_fixture.h"

namespace grange::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Mark Time(uint64_t offset, int64_t unix_ms) { return {.offset = offset, .unix_ms = unix_ms}; }
Mark Start(uint64_t offset, int64_t unix_ms, std::string name) {
  return {.offset = offset,
          .unix_ms = unix_ms,
          .kind = Mark::Kind::kSectionStart,
          .name = std::move(name)};
}
Mark End(uint64_t offset, int64_t unix_ms, std::string name) {
  return {.offset = offset,
          .unix_ms = unix_ms,
          .kind = Mark::Kind::kSectionEnd,
          .name = std::move(name)};
}

TEST(TraceMarkTest, IsALine) {
  EXPECT_EQ(FormatMark(Time(812, 1'750'000'000'123)), "812 1750000000123 t\n");
  EXPECT_EQ(FormatMark(Start(0, 5, "script")), "0 5 s script\n");
  EXPECT_EQ(FormatMark(End(9, 6, "after_script")), "9 6 e after_script\n");
  for (const Mark& mark : {Time(0, 0), Start(1, 2, "a"), End(uint64_t{1} << 62, 3, "b.c-d")}) {
    const std::string line = FormatMark(mark);
    EXPECT_EQ(ParseMark(line.substr(0, line.size() - 1)), mark);
  }
}

TEST(TraceMarkTest, WhatMakesNoSenseIsNone) {
  for (const char* line : {"", " ", "1 2", "1 2 x", "1 2 t name", "1 2 s", "1 2 s ", "1 2 s a b",
                           "-1 2 t", "1 -2 t", "x 2 t", "1 2 s a/b", "1  2 t", "1 2 t ",
                           "4611686018427387905 2 t", "1 253402300800000 t"}) {
    EXPECT_EQ(ParseMark(line), std::nullopt) << line;
  }
}

TEST(TraceMarkTest, ChecksWhatAnAgentSays) {
  EXPECT_TRUE(CheckMark(Time(0, 0)).ok());
  EXPECT_TRUE(CheckMark(Start(0, 0, std::string(64, 'n'))).ok());
  EXPECT_FALSE(CheckMark(Start(0, 0, std::string(65, 'n'))).ok());
  EXPECT_FALSE(CheckMark(Start(0, 0, "a b")).ok());
  EXPECT_FALSE(CheckMark(Start(0, 0, "a\n0 0 t")).ok());
  EXPECT_FALSE(CheckMark(Time((uint64_t{1} << 62) + 1, 0)).ok());
  EXPECT_FALSE(CheckMark(Time(0, -1)).ok());
}

TEST(MarkOrderTest, TakesWhatStandsBehindTheLastOne) {
  MarkOrder order;
  EXPECT_TRUE(order.Take(Time(0, 1)));
  EXPECT_FALSE(order.Take(Time(0, 1)));
  EXPECT_FALSE(order.Take(Time(0, 2)));
  EXPECT_TRUE(order.Take(Time(5, 1)));
  EXPECT_FALSE(order.Take(Time(4, 9)));
  EXPECT_EQ(order.count(), 2u);
}

TEST(MarkOrderTest, SectionsMayMeetBeforeOneByte) {
  MarkOrder order;
  EXPECT_TRUE(order.Take(End(5, 1, "script")));
  EXPECT_TRUE(order.Take(Start(5, 1, "after_script")));
  EXPECT_TRUE(order.Take(End(5, 1, "after_script")));
  EXPECT_TRUE(order.Take(Time(5, 1)));
  EXPECT_FALSE(order.Take(End(5, 2, "script")));
  EXPECT_FALSE(order.Take(Start(5, 2, "after_script")));
}

TEST(MarkOrderTest, HasLimitsAgainstAHostileAgent) {
  MarkOrder order;
  int kept = 0;
  for (int i = 0; i < 100; ++i) kept += order.Take(Start(0, 1, "s" + std::to_string(i)));
  EXPECT_EQ(kept, static_cast<int>(kMarksAtOneOffsetMax));
  for (uint64_t i = 1; i < 2 * kMarksMax; ++i) order.Take(Time(i, 1));
  EXPECT_EQ(order.count(), kMarksMax);
}

// The marks of a trace in the store.
class TraceMarksTest : public TraceFixture {
 protected:
  void Add(const Mark& mark) { traces_->AddMark(assignment_, mark, sender_); }
  std::vector<Mark> ReadAllMarks() {
    std::vector<Mark> all;
    uint64_t position = 0;
    while (true) {
      const absl::StatusOr<std::vector<Mark>> some =
          traces_->ReadMarks(assignment_.job, assignment_.attempt, position);
      if (!some.ok() || some->empty()) return all;
      all.insert(all.end(), some->begin(), some->end());
    }
  }
  std::string MarksPath() const { return FilePath() + ".marks"; }
};

TEST_F(TraceMarksTest, AreThereWhenTheBytesBehindThemCanBeRead) {
  Add(Time(0, 1000));
  Append(0, "one\n");
  Add(Time(4, 2000));
  Append(4, "two\n");
  ASSERT_TRUE(sender_->WaitForAck(8));
  EXPECT_THAT(ReadAllMarks(), ElementsAre(Time(0, 1000), Time(4, 2000)));
  EXPECT_EQ(*ReadAll(), "one\ntwo\n");
}

TEST_F(TraceMarksTest, AreKeptOnceOverARestartOfBothSides) {
  Add(Start(0, 1000, "script"));
  Add(Time(4, 2000));
  Append(0, "one\n");
  ASSERT_TRUE(sender_->WaitForAck(4));
  Restart();
  Add(Start(0, 1000, "script"));
  Add(Time(4, 2000));
  Append(4, "two\n");
  Add(Time(8, 3000));
  Append(8, "x");
  ASSERT_TRUE(sender_->WaitForAck(9));
  EXPECT_THAT(ReadAllMarks(), ElementsAre(Start(0, 1000, "script"), Time(4, 2000), Time(8, 3000)));
}

TEST_F(TraceMarksTest, WhatACrashLeftOfALineIsCutAndGoesOnFromThere) {
  Add(Time(0, 1000));
  Append(0, "one\n");
  ASSERT_TRUE(sender_->WaitForAck(4));
  traces_.reset();
  ASSERT_TRUE(os::WriteFile(MarksPath(), "0 1000 t\n4 20" + std::string(40, '\0')).ok());
  Restart();
  EXPECT_THAT(ReadAllMarks(), ElementsAre(Time(0, 1000)));
  Add(Time(4, 2000));
  Append(4, "two\n");
  ASSERT_TRUE(sender_->WaitForAck(8));
  EXPECT_EQ(os::ReadFile(MarksPath()).value_or(""), "0 1000 t\n4 2000 t\n");
}

TEST_F(TraceMarksTest, ATraceIsWholeWithoutThem) {
  Add(Time(0, 1000));
  Append(0, "one\n");
  ASSERT_TRUE(sender_->WaitForAck(4));
  ASSERT_EQ(::unlink(MarksPath().c_str()), 0);
  Restart();
  Append(4, "two\n");
  const auto end = Finish("one\ntwo\n").Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->damaged);
  EXPECT_EQ(end->marks_bytes, 0u);
  EXPECT_THAT(ReadAllMarks(), IsEmpty());
  EXPECT_EQ(*ReadAll(), "one\ntwo\n");
}

TEST_F(TraceMarksTest, AFileThatCantBeMadeCostsOnlyThem) {
  ASSERT_TRUE(os::MakeDirs(MarksPath()).ok());  // a folder in its place
  Add(Time(0, 1000));
  Append(0, "one\n");
  EXPECT_TRUE(Finish("one\n").Wait().ok());
  EXPECT_EQ(*ReadAll(), "one\n");
}

TEST_F(TraceMarksTest, OneFarAheadOfTheBytesDoesNotHideThoseThatFollow) {
  Add(Time(uint64_t{1} << 40, 5));
  Add(Time(0, 1000));
  Append(0, "one\n");
  ASSERT_TRUE(sender_->WaitForAck(4));
  EXPECT_THAT(ReadAllMarks(), ElementsAre(Time(0, 1000)));
}

TEST_F(TraceMarksTest, CountAsSpaceAndGoWithTheTrace) {
  Add(Time(0, 1000));
  Append(0, "one\n");
  const auto end = Finish("one\n").Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->marks_bytes, 9u);
  ASSERT_TRUE(CommitEnd(*end).ok());
  traces_->Complete(assignment_.job, assignment_.attempt);
  Restart();  // the store has done all that it was told
  ASSERT_TRUE(os::Exists(MarksPath()));
  ASSERT_TRUE(traces_->Remove(assignment_.job, assignment_.attempt).ok());
  EXPECT_FALSE(os::Exists(MarksPath()));
  EXPECT_FALSE(os::Exists(FilePath()));
}

TEST_F(TraceMarksTest, AreNotTakenOnceTheTraceIsComplete) {
  Add(Time(0, 1000));
  Append(0, "one\n");
  const auto end = Finish("one\n").Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  ASSERT_TRUE(CommitEnd(*end).ok());
  traces_->Complete(assignment_.job, assignment_.attempt);
  Add(Time(4, 2000));
  Restart();
  EXPECT_THAT(ReadAllMarks(), ElementsAre(Time(0, 1000)));
}

}  // namespace
}  // namespace grange::trace
