#include "agent/job/job_phase.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace grange::job {
namespace {

using P = JobPhase;
using E = JobEvent;

constexpr P kPhases[] = {P::kAccepting, P::kAccepted,  P::kPreparing, P::kStarting,
                         P::kRunning,   P::kUploading, P::kFinished,  P::kGone};
constexpr E kEvents[] = {E::kAcceptDurable, E::kStart,  E::kPrepared, E::kLaunched,
                         E::kShimEnded,     E::kResult, E::kForget};

// All that is legal; every other pair must be refused.
const std::map<std::pair<P, E>, P> kLegal = {
    {{P::kAccepting, E::kAcceptDurable}, P::kAccepted},
    {{P::kAccepting, E::kForget}, P::kGone},
    {{P::kAccepted, E::kStart}, P::kPreparing},
    {{P::kAccepted, E::kResult}, P::kFinished},
    {{P::kAccepted, E::kForget}, P::kGone},
    {{P::kPreparing, E::kPrepared}, P::kStarting},
    {{P::kPreparing, E::kResult}, P::kFinished},
    {{P::kPreparing, E::kForget}, P::kGone},
    {{P::kStarting, E::kLaunched}, P::kRunning},
    {{P::kStarting, E::kResult}, P::kFinished},
    {{P::kRunning, E::kShimEnded}, P::kUploading},
    {{P::kRunning, E::kResult}, P::kFinished},
    {{P::kUploading, E::kResult}, P::kFinished},
    {{P::kUploading, E::kForget}, P::kGone},
    {{P::kFinished, E::kForget}, P::kGone},
};

TEST(JobPhaseTest, AllowsExactlyTheLegalMoves) {
  for (const P phase : kPhases) {
    for (const E event : kEvents) {
      const absl::StatusOr<P> next = NextPhase(phase, event);
      const auto legal = kLegal.find({phase, event});
      if (legal == kLegal.end()) {
        ASSERT_FALSE(next.ok()) << JobPhaseName(phase) << " " << JobEventName(event);
        EXPECT_TRUE(absl::StrContains(next.status().message(), JobPhaseName(phase)));
        EXPECT_TRUE(absl::StrContains(next.status().message(), JobEventName(event)));
      } else {
        ASSERT_TRUE(next.ok()) << next.status();
        EXPECT_EQ(*next, legal->second) << JobPhaseName(phase) << " " << JobEventName(event);
      }
    }
  }
}

}  // namespace
}  // namespace grange::job
