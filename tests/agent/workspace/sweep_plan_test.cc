#include "agent/workspace/sweep_plan.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::workspace {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Last used so many days before now.
KeptFolder Tree(const std::string& path, int days, uint64_t bytes, bool in_use = false,
                const std::string& mirror = "") {
  return {.kind = KeptKind::kWorkTree,
          .path = path,
          .last_use = kNow - absl::Hours(24 * days),
          .bytes = bytes,
          .mirror = mirror,
          .in_use = in_use};
}

KeptFolder Mirror(const std::string& path, int days, uint64_t bytes, bool in_use = false) {
  KeptFolder folder = Tree(path, days, bytes, in_use);
  folder.kind = KeptKind::kMirror;
  return folder;
}

KeepLimit Days(int days) { return {.age = absl::Hours(24 * days)}; }
KeepLimit Bytes(uint64_t bytes) { return {.bytes = bytes}; }

std::vector<std::string> Gone(const std::vector<KeptFolder>& folders, const KeepLimits& limits) {
  std::vector<std::string> paths;
  for (const size_t i : PlanSweep(folders, limits, kNow)) paths.push_back(folders[i].path);
  return paths;
}

TEST(SweepPlanTest, WhatIsTooOldOrTooMuchGoesOldestFirst) {
  const std::vector<KeptFolder> trees = {Tree("new", 1, 10), Tree("oldest", 40, 20),
                                         Tree("old", 31, 30), Tree("limit", 30, 40)};
  const struct {
    const char* name;
    KeepLimit limit;
    std::vector<std::string> gone;
  } kRows[] = {
      {"no limit", {}, {}},
      {"older than the age, not as old", Days(30), {"oldest", "old"}},
      {"nothing is old enough", Days(40), {}},
      {"all", Days(0), {"oldest", "old", "limit", "new"}},
      {"exactly what may be", Bytes(100), {}},
      {"one byte too much", Bytes(99), {"oldest"}},
      {"as many as needed", Bytes(60), {"oldest", "old"}},
      {"nothing may be", Bytes(0), {"oldest", "old", "limit", "new"}},
      {"what goes by age counts no more", {absl::Hours(24 * 35), 80}, {"oldest"}},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    EXPECT_THAT(Gone(trees, {.work_trees = row.limit, .mirrors = Days(1000)}),
                ElementsAreArray(row.gone));
  }
}

TEST(SweepPlanTest, WhatIsInUseStaysAndItsBytesCount) {
  const std::vector<KeptFolder> trees = {Tree("runs", 50, 100, true), Tree("idle", 1, 10)};
  EXPECT_THAT(Gone(trees, {.work_trees = Days(30)}), ElementsAre());
  EXPECT_THAT(Gone(trees, {.work_trees = Bytes(100)}), ElementsAre("idle"));
  EXPECT_THAT(Gone(trees, {.work_trees = Bytes(5)}), ElementsAre("idle"));
}

TEST(SweepPlanTest, EachKindHasItsOwnLimits) {
  const std::vector<KeptFolder> folders = {Mirror("mirror", 50, 100), Tree("tree", 50, 100)};
  EXPECT_THAT(Gone(folders, {}), ElementsAre("tree"));
  EXPECT_THAT(Gone(folders, {.work_trees = Days(60), .mirrors = Bytes(99)}), ElementsAre("mirror"));
}

TEST(SweepPlanTest, AMirrorTakesIdleTreesThatBorrowFromItAlongAndStaysForOneInUse) {
  const KeepLimits limits{.work_trees = Days(100), .mirrors = Days(30)};
  EXPECT_THAT(Gone({Mirror("m", 50, 0), Mirror("n", 1, 0), Tree("of m", 1, 0, false, "m"),
                    Tree("of n", 1, 0, false, "n"), Tree("of none", 1, 0)},
                   limits),
              ElementsAre("of m", "m"));
  EXPECT_THAT(
      Gone({Mirror("m", 50, 0), Tree("a", 1, 0, true, "m"), Tree("b", 1, 0, false, "m")}, limits),
      ElementsAre());
  EXPECT_THAT(Gone({Mirror("m", 50, 0, true), Tree("b", 1, 0, false, "m")}, limits), ElementsAre());
}

}  // namespace
}  // namespace grange::workspace
