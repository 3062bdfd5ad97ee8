#include "tests/chaos/verdict.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/chaos/known_stream.h"

namespace grange::chaos {
namespace {

constexpr uint64_t kSeed = 11;

bool Nothing(const AttemptFacts&) { return false; }
bool Everything(const AttemptFacts&) { return true; }

const ChaosJob& Job() { return ChaosJobs().front(); }

std::string WholeLog() {
  return absl::StrCat("$ ", Job().command, "\n", ExpectedOutput(Job(), kSeed));
}

AttemptFacts Success(int number) {
  return {.number = number,
          .status = "success",
          .reason = "",
          .agent = "agent-1",
          .log = WholeLog(),
          .starts = 1};
}

AttemptFacts Failure(int number) {
  return {.number = number,
          .status = "failed",
          .reason = "supervisor_died",
          .agent = "agent-1",
          .log = WholeLog().substr(0, 100),
          .starts = 1};
}

Verdict JudgeThese(const std::string& status, std::vector<AttemptFacts> attempts,
                   const std::function<bool(const AttemptFacts&)>& explained) {
  return Judge(Job(), kSeed, {.id = 1, .status = status, .attempts = std::move(attempts)},
               explained);
}

TEST(VerdictTest, AWholeJobIsWell) {
  EXPECT_TRUE(JudgeThese("success", {Success(1)}, Nothing).texts.empty());
}

TEST(VerdictTest, AnAttemptThatAFaultEndedIsNotLost) {
  EXPECT_TRUE(JudgeThese("success", {Failure(1), Success(2)}, Everything).texts.empty());
  EXPECT_EQ(JudgeThese("success", {Failure(1), Success(2)}, Nothing).lost, 1);
}

TEST(VerdictTest, AJobThatGaveUpBeforeItsTriesWereUsedIsLost) {
  EXPECT_EQ(JudgeThese("failed", {Failure(1)}, Everything).lost, 1);
  EXPECT_EQ(JudgeThese("failed", {Failure(1), Failure(2), Failure(3)}, Everything).lost, 0);
}

TEST(VerdictTest, ASecondStartIsSeen) {
  AttemptFacts twice = Success(1);
  twice.starts = 2;
  EXPECT_EQ(JudgeThese("success", {twice}, Nothing).twice, 1);
}

TEST(VerdictTest, AByteTooFewTooManyOrWrongIsSeen) {
  AttemptFacts attempt = Success(1);
  attempt.log.pop_back();
  EXPECT_EQ(JudgeThese("success", {attempt}, Nothing).unequal, 1);
  attempt.log = WholeLog() + "x";
  EXPECT_EQ(JudgeThese("success", {attempt}, Nothing).unequal, 1);
  attempt.log = WholeLog();
  attempt.log[200] ^= 1;
  EXPECT_EQ(JudgeThese("success", {attempt}, Nothing).unequal, 1);
}

TEST(KnownStreamTest, IsTheSameForOneSeedAndHasEveryShape) {
  for (const StreamKind kind : kStreamKinds) {
    EXPECT_EQ(StreamBytes(kind, 3), StreamBytes(kind, 3));
    EXPECT_NE(StreamBytes(kind, 3), StreamBytes(kind, 4));
    EXPECT_EQ(ParseStreamKind(StreamKindName(kind)), kind);
  }
  EXPECT_EQ(StreamBytes(StreamKind::kNoNewline, 3).find('\n'), std::string::npos);
  EXPECT_NE(StreamBytes(StreamKind::kBinary, 3).find('\0'), std::string::npos);
}

}  // namespace
}  // namespace grange::chaos
