#include "coordinator/lifecycle/pipeline_state.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace grange::lifecycle {
namespace {

using J = JobState;
using P = PipelineState;

constexpr JobSummary Job(JobState state) { return {state, false, When::kOnSuccess}; }
constexpr JobSummary Optional(JobState state) { return {state, true, When::kOnSuccess}; }

struct Case {
  std::string name;
  std::vector<JobSummary> jobs;
  PipelineState state;
};

const std::vector<Case>& Cases() {
  static const auto& cases = *new std::vector<Case>{
      {"no jobs", {}, P::kSkipped},
      {"all created", {Job(J::kCreated), Job(J::kCreated)}, P::kCreated},
      {"pending and created", {Job(J::kPending), Job(J::kCreated)}, P::kPending},
      {"running", {Job(J::kRunning), Job(J::kCreated)}, P::kRunning},
      {"one done, one pending", {Job(J::kSuccess), Job(J::kPending)}, P::kRunning},
      {"one done, the next created", {Job(J::kSuccess), Job(J::kCreated)}, P::kRunning},
      {"all succeeded", {Job(J::kSuccess), Job(J::kSuccess)}, P::kSuccess},
      {"succeeded and skipped", {Job(J::kSuccess), Job(J::kSkipped)}, P::kSuccess},
      {"all skipped", {Job(J::kSkipped)}, P::kSkipped},
      {"failed", {Job(J::kSuccess), Job(J::kFailed), Job(J::kSkipped)}, P::kFailed},
      {"failed, and another runs", {Job(J::kFailed), Job(J::kRunning)}, P::kRunning},
      {"an allowed failure", {Job(J::kSuccess), Optional(J::kFailed)}, P::kSuccess},
      {"canceled", {Job(J::kSuccess), Job(J::kCanceled), Job(J::kSkipped)}, P::kCanceled},
      {"failed and canceled", {Job(J::kFailed), Job(J::kCanceled)}, P::kFailed},
      {"canceled, and another runs", {Job(J::kCanceled), Job(J::kRunning)}, P::kRunning},
      {"blocking manual", {Job(J::kSuccess), Job(J::kManual), Job(J::kCreated)}, P::kManual},
      {"blocking manual, and one runs", {Job(J::kRunning), Job(J::kManual)}, P::kRunning},
      {"optional manual after success", {Job(J::kSuccess), Optional(J::kManual)}, P::kSuccess},
      {"optional manual after failure", {Job(J::kFailed), Optional(J::kManual)}, P::kFailed},
      {"only optional manual", {Optional(J::kManual)}, P::kSkipped},
      {"scheduled", {Job(J::kSuccess), Job(J::kScheduled), Job(J::kCreated)}, P::kScheduled},
  };
  return cases;
}

TEST(PipelineStateTest, IsDerivedFromTheJobs) {
  for (const Case& c : Cases()) {
    EXPECT_EQ(PipelineStateName(DerivePipelineState(c.jobs)), PipelineStateName(c.state)) << c.name;
  }
}

TEST(PipelineStateTest, TheTallyForgetsAJobThatIsTakenOut) {
  PipelineTally tally;
  tally.Add(Job(J::kRunning));
  tally.Add(Job(J::kSuccess));
  tally.Remove(Job(J::kRunning));
  tally.Add(Job(J::kFailed));
  EXPECT_EQ(tally.State(), P::kFailed);
}

TEST(PipelineStateTest, ReadsEveryNameThatItWrites) {
  for (const Case& c : Cases()) {
    const absl::StatusOr<PipelineState> read = ParsePipelineState(PipelineStateName(c.state));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, c.state);
  }
  EXPECT_EQ(ParsePipelineState("asleep").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace grange::lifecycle
