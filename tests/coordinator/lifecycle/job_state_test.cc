#include "coordinator/lifecycle/job_state.h"

#include <map>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::lifecycle {
namespace {

using ::testing::HasSubstr;

constexpr JobState kStates[] = {JobState::kCreated, JobState::kPending, JobState::kRunning,
                                JobState::kSuccess, JobState::kFailed,  JobState::kCanceled,
                                JobState::kSkipped, JobState::kManual,  JobState::kScheduled};
constexpr JobEvent kEvents[] = {
    JobEvent::kReady,    JobEvent::kHeldForPlay, JobEvent::kTimerStarted, JobEvent::kPlayed,
    JobEvent::kGranted,  JobEvent::kSucceeded,   JobEvent::kFailed,       JobEvent::kCanceled,
    JobEvent::kRuledOut, JobEvent::kRequeued,    JobEvent::kRevived};

// Every move that is legal; all other pairs must be refused.
const std::map<std::pair<JobState, JobEvent>, JobState>& LegalMoves() {
  using S = JobState;
  using E = JobEvent;
  static const auto& moves = *new std::map<std::pair<S, E>, S>{
      {{S::kCreated, E::kReady}, S::kPending},
      {{S::kCreated, E::kHeldForPlay}, S::kManual},
      {{S::kCreated, E::kTimerStarted}, S::kScheduled},
      {{S::kCreated, E::kRuledOut}, S::kSkipped},
      {{S::kCreated, E::kCanceled}, S::kCanceled},
      {{S::kPending, E::kGranted}, S::kRunning},
      {{S::kPending, E::kRequeued}, S::kPending},
      {{S::kPending, E::kCanceled}, S::kCanceled},
      {{S::kPending, E::kFailed}, S::kFailed},
      {{S::kRunning, E::kSucceeded}, S::kSuccess},
      {{S::kRunning, E::kFailed}, S::kFailed},
      {{S::kRunning, E::kCanceled}, S::kCanceled},
      {{S::kManual, E::kPlayed}, S::kPending},
      {{S::kManual, E::kCanceled}, S::kCanceled},
      {{S::kScheduled, E::kPlayed}, S::kPending},
      {{S::kScheduled, E::kCanceled}, S::kCanceled},
      {{S::kSuccess, E::kRequeued}, S::kPending},
      {{S::kFailed, E::kRequeued}, S::kPending},
      {{S::kFailed, E::kRevived}, S::kCreated},
      {{S::kCanceled, E::kRequeued}, S::kPending},
      {{S::kCanceled, E::kRevived}, S::kCreated},
      {{S::kSkipped, E::kRevived}, S::kCreated},
  };
  return moves;
}

TEST(JobStateTest, MovesAsTheTableSaysAndRefusesEveryOtherPair) {
  for (const JobState state : kStates) {
    for (const JobEvent event : kEvents) {
      SCOPED_TRACE(absl::StrCat(JobStateName(state), " + ", JobEventName(event)));
      const absl::StatusOr<JobState> next = NextState(state, event);
      const auto legal = LegalMoves().find({state, event});
      if (legal != LegalMoves().end()) {
        ASSERT_TRUE(next.ok()) << next.status();
        EXPECT_EQ(*next, legal->second);
      } else {
        EXPECT_EQ(next.status().code(), absl::StatusCode::kFailedPrecondition);
      }
    }
  }
}

TEST(JobStateTest, NamesStateAndEventOfARefusedMove) {
  const absl::Status refused = NextState(JobState::kSkipped, JobEvent::kGranted).status();
  EXPECT_THAT(std::string(refused.message()), HasSubstr("'granted'"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("'skipped'"));
}

TEST(JobStateTest, OnlyAPersonLeavesAFinalState) {
  for (const JobState state : kStates) {
    if (!IsFinal(state)) continue;
    for (const JobEvent event : kEvents) {
      const bool by_a_person = event == JobEvent::kRequeued || event == JobEvent::kRevived;
      if (!by_a_person) {
        EXPECT_FALSE(NextState(state, event).ok()) << JobStateName(state);
      }
    }
  }
}

TEST(JobStateTest, ReadsEveryNameThatItWrites) {
  for (const JobState state : kStates) {
    const absl::StatusOr<JobState> read = ParseJobState(JobStateName(state));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, state);
  }
  EXPECT_EQ(ParseJobState("sleeping").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(JobStateTest, ReadsEveryWhenThatItWrites) {
  for (const When when :
       {When::kOnSuccess, When::kOnFailure, When::kAlways, When::kManual, When::kDelayed}) {
    const absl::StatusOr<When> read = ParseWhen(WhenName(when));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, when);
  }
  EXPECT_EQ(ParseWhen("never").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace grange::lifecycle
