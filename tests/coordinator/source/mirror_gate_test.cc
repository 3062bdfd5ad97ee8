#include "coordinator/source/mirror_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace grange::source {
namespace {

constexpr ProjectId kOne(1), kOther(2);

TEST(MirrorGateTest, ClosesOnlyWhatNobodyUses) {
  MirrorGate gate;
  const MirrorGate::Use use(gate, kOne);
  EXPECT_FALSE(MirrorGate::Closed(gate, kOne, absl::ZeroDuration()).ok());
  EXPECT_TRUE(MirrorGate::Closed(gate, kOther, absl::ZeroDuration()).ok());
}

TEST(MirrorGateTest, WhoUsesAllUsesEach) {
  MirrorGate gate;
  const MirrorGate::Use use(gate, ProjectId());
  EXPECT_FALSE(MirrorGate::Closed(gate, kOne, absl::ZeroDuration()).ok());
}

TEST(MirrorGateTest, SeveralMayUseOne) {
  MirrorGate gate;
  {
    const MirrorGate::Use first(gate, kOne);
    const MirrorGate::Use second(gate, kOne);
  }
  EXPECT_TRUE(MirrorGate::Closed(gate, kOne, absl::ZeroDuration()).ok());
}

TEST(MirrorGateTest, AUseWaitsUntilItIsOpenAgain) {
  for (const ProjectId project : {kOne, ProjectId()}) {
    MirrorGate gate;
    std::atomic<bool> open{false};
    std::thread user;
    {
      const MirrorGate::Closed closed(gate, kOne, absl::ZeroDuration());
      ASSERT_TRUE(closed.ok());
      user = std::thread([&] {
        const MirrorGate::Use use(gate, project);
        EXPECT_TRUE(open);
      });
      open = true;
    }
    user.join();
  }
}

TEST(MirrorGateTest, ClosingWaitsForTheLastUser) {
  MirrorGate gate;
  auto use = std::make_unique<MirrorGate::Use>(gate, kOne);
  std::atomic<bool> ended{false};
  std::thread closer([&] {
    const MirrorGate::Closed closed(gate, kOne, absl::Minutes(1));
    EXPECT_TRUE(closed.ok());
    EXPECT_TRUE(ended);
  });
  ended = true;
  use.reset();
  closer.join();
}

}  // namespace
}  // namespace grange::source
