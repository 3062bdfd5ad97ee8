// The simulation of docs/formats/agent-protocol.md §14: the real scheduler and lifecycle between
// fake agents, a fake store and a fake clock. A failing seed is printed; run it alone with
// GRANGE_SIM_SEED=<seed>.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/sim/world.h"

namespace grange::sim {
namespace {

constexpr uint64_t kFirstSeed = 1;
constexpr int kSeeds = 10'000;
constexpr int kSeedsUntilFound = 3'000;
constexpr int kEventsMin = 200;

std::string Repeat(uint64_t seed, const std::string& violation) {
  return absl::StrCat("seed ", seed, ": ", violation, "\n  repeat it with GRANGE_SIM_SEED=", seed,
                      " sim_test --gtest_filter=SimTest.KeepsItsPromises*");
}

TEST(SimTest, KeepsItsPromisesInEverySeedAndEverythingEnds) {
  if (const char* one = std::getenv("GRANGE_SIM_SEED")) {
    const uint64_t seed = std::strtoull(one, nullptr, 10);
    const Outcome outcome = World({.seed = seed, .print = true}).Run();
    EXPECT_EQ(outcome.violation, "") << Repeat(seed, outcome.violation);
    return;
  }
  std::array<int, kFaults> seeds_with{};
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    const Outcome outcome = World({.seed = seed}).Run();
    ASSERT_EQ(outcome.violation, "") << Repeat(seed, outcome.violation);
    ASSERT_GE(outcome.events, kEventsMin) << "seed " << seed;
    for (size_t f = 0; f < kFaults; ++f) seeds_with[f] += outcome.faults[f] > 0 ? 1 : 0;
  }
  for (size_t f = 0; f < kFaults; ++f) {
    std::printf("  %-16s in %3d %% of %d seeds\n",
                std::string(FaultName(static_cast<Fault>(f))).c_str(), seeds_with[f] * 100 / kSeeds,
                kSeeds);
    EXPECT_GE(seeds_with[f] * 5, kSeeds) << FaultName(static_cast<Fault>(f));
  }
}

TEST(SimTest, TheSameSeedGivesTheSameRun) {
  const Outcome first = World({.seed = 7}).Run();
  const Outcome second = World({.seed = 7}).Run();
  EXPECT_EQ(first.faults, second.faults);
  EXPECT_EQ(first.events, second.events);
}

TEST(SimTest, FindsThatTheFenceCheckIsMissing) {
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeedsUntilFound; ++seed) {
    const Outcome outcome = World({.seed = seed, .check_fences = false}).Run();
    if (outcome.violation.empty()) continue;
    std::printf("  without fences, %s\n", Repeat(seed, outcome.violation).c_str());
    return;
  }
  FAIL() << "no violation in " << kSeedsUntilFound << " seeds without fences";
}

}  // namespace
}  // namespace grange::sim
