// The simulation of docs/formats/agent-protocol.md §14: the real scheduler and lifecycle between
// fake agents, a fake store and clocks that are right within 10 %. A failing seed is printed; run
// it alone with GRANGE_SIM_SEED=<seed>. GRANGE_SIM_SEEDS=<number> runs more seeds, or fewer.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/sim/world.h"

namespace grange::sim {
namespace {

constexpr uint64_t kFirstSeed = 1;
constexpr int kSeedsDefault = 20'000;
// Of fewer, how often something happens says nothing: the rare ends come to 12 in the first 2,000.
constexpr int kSeedsToTellShares = 10'000;
constexpr int kSeedsUntilFound = 3'000;
constexpr int kEventsMin = 200;
constexpr int kScriptsMin = 4;  // for each seed, on average, before all heals
constexpr lifecycle::FailureReason kReasons[] = {
    lifecycle::FailureReason::kNone,         lifecycle::FailureReason::kScriptFailure,
    lifecycle::FailureReason::kCanceled,     lifecycle::FailureReason::kAgentLost,
    lifecycle::FailureReason::kAgentForgot,  lifecycle::FailureReason::kAgentCrash,
    lifecycle::FailureReason::kHostRestart,  lifecycle::FailureReason::kLeaseLost,
    lifecycle::FailureReason::kAgentDrained,
};

int Seeds() {
  const char* number = std::getenv("GRANGE_SIM_SEEDS");
  if (number == nullptr || *number == '\0') return kSeedsDefault;
  int seeds = 0;
  EXPECT_TRUE(absl::SimpleAtoi(number, &seeds) && seeds > 0)
      << "GRANGE_SIM_SEEDS is '" << number << "'; it takes the number of seeds to run";
  return seeds;
}

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
  const int seeds = Seeds();
  std::array<int, kFaults> seeds_with{};
  Witness::Tally all;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + static_cast<uint64_t>(seeds); ++seed) {
    const Outcome outcome = World({.seed = seed}).Run();
    ASSERT_EQ(outcome.violation, "") << Repeat(seed, outcome.violation);
    ASSERT_GE(outcome.events, kEventsMin) << "seed " << seed;
    for (size_t f = 0; f < kFaults; ++f) seeds_with[f] += outcome.faults[f] > 0 ? 1 : 0;
    all.scripts += outcome.seen.scripts;
    for (const auto& [reason, count] : outcome.seen.ends) all.ends[reason] += count;
  }
  const bool tells = seeds >= kSeedsToTellShares;
  for (size_t f = 0; f < kFaults; ++f) {
    std::printf("  %-16s in %3d %% of %d seeds\n",
                std::string(FaultName(static_cast<Fault>(f))).c_str(), seeds_with[f] * 100 / seeds,
                seeds);
    EXPECT_TRUE(!tells || seeds_with[f] * 5 >= seeds) << FaultName(static_cast<Fault>(f));
  }
  std::printf("  before all healed: %d scripts started\n", all.scripts);
  EXPECT_GE(all.scripts, seeds * kScriptsMin);
  for (const lifecycle::FailureReason reason : kReasons) {
    const std::string name(lifecycle::FailureReasonName(reason));
    std::printf("  %-16s %d attempts\n", name.empty() ? "success" : name.c_str(), all.ends[reason]);
    EXPECT_TRUE(!tells || all.ends[reason] * 200 >= seeds) << name;
  }
}

TEST(SimTest, TheSameSeedGivesTheSameRun) {
  const Outcome first = World({.seed = 7}).Run();
  const Outcome second = World({.seed = 7}).Run();
  EXPECT_EQ(first.faults, second.faults);
  EXPECT_EQ(first.events, second.events);
}

// Runs seeds until one shows that something is wrong.
void ExpectFound(Planted planted, int seeds = kSeedsUntilFound) {
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + static_cast<uint64_t>(seeds); ++seed) {
    const Outcome outcome = World({.seed = seed, .planted = planted}).Run();
    if (outcome.violation.empty()) continue;
    std::printf("  seed %d: %s\n", static_cast<int>(seed), outcome.violation.c_str());
    return;
  }
  FAIL() << "no violation in " << seeds << " seeds";
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

// Shows that the clocks of the simulation matter: what holds within 10 % does not hold for any.
TEST(SimTest, FindsThatClocksAreWrongByHalf) { ExpectFound(Planted::kWrongClocks, 10'000); }

}  // namespace
}  // namespace grange::sim
