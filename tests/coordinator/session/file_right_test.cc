#include "coordinator/session/file_right.h"

#include "gtest/gtest.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::session {
namespace {

class FileRightTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    progress_ = Run(Submit({"job"}).Progress(0), 1);
    held_ = {.job = progress_.id, .attempt = 1, .fence = progress_.fence};
  }
  absl::StatusCode Check(const Assignment& assignment, AgentId agent = AgentId(1)) {
    return CheckFileRight(gate_, store(), assignment, agent).code();
  }

  TraceGate gate_;
  schedule::StoreJob progress_;
  Assignment held_;
};

TEST_F(FileRightTest, AnOpenGateIsEnough) {
  gate_.Open(held_, AgentId(1));
  EXPECT_EQ(Check(held_), absl::StatusCode::kOk);
}

TEST_F(FileRightTest, C1AnUploadBeforeTheFirstHelloAfterARestartIsToldToComeAgain) {
  EXPECT_EQ(Check(held_), absl::StatusCode::kUnavailable);
}

TEST_F(FileRightTest, WhatIsNotTheAgentsAnyMoreIsRefused) {
  Assignment other = held_;
  other.fence = Fence{99};
  EXPECT_EQ(Check(other), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Check(held_, AgentId(2)), absl::StatusCode::kPermissionDenied);
  other = held_;
  other.job = JobId(999);
  EXPECT_EQ(Check(other), absl::StatusCode::kPermissionDenied);
  progress_.phase = schedule::Phase::kNone;
  progress_.state = lifecycle::JobState::kFailed;
  ASSERT_TRUE(CommitRow(progress_).ok());
  EXPECT_EQ(Check(held_), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace grange::session
