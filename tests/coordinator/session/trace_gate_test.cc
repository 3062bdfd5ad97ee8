#include "coordinator/session/trace_gate.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace grange::session {
namespace {

constexpr AgentId kAgent(3);
constexpr Assignment kRight{.job = JobId(1), .attempt = 2, .fence = Fence{5}};

TEST(TraceGateTest, OnlyTheHolderOfTheRightMayWrite) {
  TraceGate gate;
  gate.Open(kRight, kAgent);
  EXPECT_TRUE(gate.Allows(kRight, kAgent));
  EXPECT_FALSE(gate.Allows(kRight, AgentId(4)));
  EXPECT_FALSE(gate.Allows({.job = JobId(1), .attempt = 2, .fence = Fence{4}}, kAgent));
  EXPECT_FALSE(gate.Allows({.job = JobId(1), .attempt = 2, .fence = Fence{6}}, kAgent));
  EXPECT_FALSE(gate.Allows({.job = JobId(1), .attempt = 1, .fence = Fence{5}}, kAgent));
  EXPECT_FALSE(gate.Allows({.job = JobId(2), .attempt = 2, .fence = Fence{5}}, kAgent));
}

TEST(TraceGateTest, ANewRightEndsTheOldOne) {
  TraceGate gate;
  gate.Open(kRight, kAgent);
  const Assignment newer{.job = JobId(1), .attempt = 3, .fence = Fence{9}};
  gate.Open(newer, AgentId(4));
  EXPECT_FALSE(gate.Allows(kRight, kAgent));
  EXPECT_TRUE(gate.Allows(newer, AgentId(4)));
}

TEST(TraceGateTest, KnowsTheLimitOfWhatWasOfferedUntilItCloses) {
  constexpr uint64_t kMax = 1000 + TraceGate::kOwnWordsMax;
  TraceGate gate;
  EXPECT_TRUE(gate.CheckBytes(kRight, kMax + 1).ok());
  gate.Limit(kRight, 1000);
  gate.Open(kRight, kAgent);
  EXPECT_TRUE(gate.CheckBytes(kRight, kMax).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(gate.CheckBytes(kRight, kMax + 1)));
  EXPECT_TRUE(gate.CheckBytes({.job = JobId(1), .attempt = 3, .fence = Fence{9}}, kMax + 1).ok());
  gate.Close(JobId(1));
  EXPECT_TRUE(gate.CheckBytes(kRight, kMax + 1).ok());
}

TEST(TraceGateTest, IsClosedForWhateverAssignmentTheJobHas) {
  TraceGate gate;
  gate.Open(kRight, kAgent);
  gate.Close(JobId(2));
  EXPECT_TRUE(gate.Allows(kRight, kAgent));
  gate.Close(JobId(1));
  EXPECT_FALSE(gate.Allows(kRight, kAgent));
  gate.Close(JobId(1));  // again is fine
}

TEST(TraceGateTest, KeepsWhatTheHolderSaysAsLongAsItsRight) {
  TraceGate gate;
  EXPECT_FALSE(gate.SetNote(kRight, kAgent, "early"));
  gate.Open(kRight, kAgent);
  EXPECT_FALSE(gate.SetNote(kRight, AgentId(4), "another's"));
  EXPECT_TRUE(gate.SetNote(kRight, kAgent, "fetching sources"));
  EXPECT_FALSE(gate.SetNote(kRight, kAgent, "fetching sources")) << "no news";
  gate.Open(kRight, kAgent);  // the next session
  EXPECT_EQ(gate.NoteOf(kRight.job), "fetching sources");
  gate.Open({.job = JobId(1), .attempt = 3, .fence = Fence{9}}, kAgent);
  EXPECT_EQ(gate.NoteOf(kRight.job), "");
  gate.Close(kRight.job);
  EXPECT_EQ(gate.NoteOf(kRight.job), "");
}

}  // namespace
}  // namespace grange::session
