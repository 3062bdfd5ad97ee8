#include "tests/chaos/fault_plan.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace grange::chaos {
namespace {

std::vector<std::string> Faults(uint64_t seed, int count) {
  FaultPlan plan(seed, FaultCounts::Long(20), {});
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(plan.Next().ToString());
  return all;
}

TEST(FaultPlanTest, OneSeedGivesTheSameFaults) {
  EXPECT_EQ(Faults(7, 500), Faults(7, 500));
  EXPECT_NE(Faults(7, 500), Faults(8, 500));
}

TEST(FaultPlanTest, DoesAsManyOfEachKindAsCounted) {
  const FaultCounts counts = FaultCounts::Long(500);
  FaultPlan plan(1, counts, {});
  std::map<FaultKind, int> done;
  while (!plan.used_up()) ++done[plan.Next().kind];
  EXPECT_EQ(done, counts.of);
  EXPECT_EQ(done[FaultKind::kKillCoordinator], 500);
  EXPECT_EQ(done[FaultKind::kKillAgent], 500);
  EXPECT_EQ(done[FaultKind::kKillBoth], 100);
}

TEST(FaultPlanTest, GoesOnWithAnotherDeckWhenTheFirstIsUsedUp) {
  const FaultCounts counts = FaultCounts::Short();
  FaultPlan plan(1, counts, {});
  std::map<FaultKind, int> done;
  for (int i = 0; i < 2 * counts.sum(); ++i) ++done[plan.Next().kind];
  EXPECT_EQ(done[FaultKind::kKillBoth], 40);
}

TEST(FaultPlanTest, EveryKindHasAText) {
  for (const FaultKind kind : kFaultKinds) EXPECT_FALSE(FaultKindText(kind).empty());
}

}  // namespace
}  // namespace grange::chaos
