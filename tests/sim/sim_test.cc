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
constexpr int kScriptsMin = 4;  // for each seed, on average, before all heals
constexpr lifecycle::FailureReason kReasons[] = {
    lifecycle::FailureReason::kNone,        lifecycle::FailureReason::kScriptFailure,
    lifecycle::FailureReason::kCanceled,    lifecycle::FailureReason::kAgentLost,
    lifecycle::FailureReason::kAgentForgot, lifecycle::FailureReason::kAgentCrash,
    lifecycle::FailureReason::kHostRestart, lifecycle::FailureReason::kLeaseLost,
};

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
  Witness::Tally all;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    const Outcome outcome = World({.seed = seed}).Run();
    ASSERT_EQ(outcome.violation, "") << Repeat(seed, outcome.violation);
    ASSERT_GE(outcome.events, kEventsMin) << "seed " << seed;
    for (size_t f = 0; f < kFaults; ++f) seeds_with[f] += outcome.faults[f] > 0 ? 1 : 0;
    all.scripts += outcome.seen.scripts;
    for (const auto& [reason, count] : outcome.seen.ends) all.ends[reason] += count;
  }
  for (size_t f = 0; f < kFaults; ++f) {
    std::printf("  %-16s in %3d %% of %d seeds\n",
                std::string(FaultName(static_cast<Fault>(f))).c_str(), seeds_with[f] * 100 / kSeeds,
                kSeeds);
    EXPECT_GE(seeds_with[f] * 5, kSeeds) << FaultName(static_cast<Fault>(f));
  }
  std::printf("  before all healed: %d scripts started\n", all.scripts);
  EXPECT_GE(all.scripts, kSeeds * kScriptsMin);
  for (const lifecycle::FailureReason reason : kReasons) {
    const std::string name(lifecycle::FailureReasonName(reason));
    std::printf("  %-16s %d attempts\n", name.empty() ? "success" : name.c_str(), all.ends[reason]);
    EXPECT_GE(all.ends[reason] * 100, kSeeds) << name;
  }
}

TEST(SimTest, TheSameSeedGivesTheSameRun) {
  const Outcome first = World({.seed = 7}).Run();
  const Outcome second = World({.seed = 7}).Run();
  EXPECT_EQ(first.faults, second.faults);
  EXPECT_EQ(first.events, second.events);
}

// Runs seeds until one shows that something is wrong.
void ExpectFound(Planted planted) {
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeedsUntilFound; ++seed) {
    const Outcome outcome = World({.seed = seed, .planted = planted}).Run();
    if (outcome.violation.empty()) continue;
    std::printf("  seed %d: %s\n", static_cast<int>(seed), outcome.violation.c_str());
    return;
  }
  FAIL() << "no violation in " << kSeedsUntilFound << " seeds";
}

TEST(SimTest, FindsThatTheFenceCheckIsMissing) { ExpectFound(Planted::kNoFenceCheck); }

TEST(SimTest, FindsATraceThatIsAppendedWithoutItsOffset) {
  ExpectFound(Planted::kAppendWithoutOffset);
}

TEST(SimTest, FindsAnAgentThatStartsBeforeTheGrant) { ExpectFound(Planted::kStartBeforeGrant); }

TEST(SimTest, FindsAnAgentThatStartsAgainAfterACrash) {
  ExpectFound(Planted::kStartAgainAfterCrash);
}

TEST(SimTest, FindsALeaseThatIsLongerThanLostAfter) {
  ExpectFound(Planted::kLeaseLongerThanLostAfter);
}

}  // namespace
}  // namespace grange::sim
