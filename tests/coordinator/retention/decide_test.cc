#include "coordinator/retention/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace grange::retention {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

// One a day, the oldest first; the last one ended today. All of branch main, unless said.
class DecideTest : public ::testing::Test {
 protected:
  PipelineItem& Pipeline(int days_ago, bool succeeded = false, const std::string& ref = "main") {
    const int64_t id = static_cast<int64_t>(stock_.pipelines.size()) + 1;
    stock_.pipelines.push_back({.id = PipelineId(id),
                                .project = ProjectId(1),
                                .ref_name = ref,
                                .finished = true,
                                .succeeded = succeeded,
                                .ended = kNow - days_ago * kDay,
                                .bytes = 1000});
    return stock_.pipelines.back();
  }
  void Trace(PipelineId pipeline, int days_ago, uint64_t bytes) {
    const int64_t id = static_cast<int64_t>(stock_.traces.size()) + 1;
    stock_.traces.push_back({.pipeline = pipeline,
                             .job = JobId(id),
                             .attempt = 1,
                             .ended = kNow - days_ago * kDay,
                             .bytes = bytes});
  }
  void Artifact(PipelineId pipeline, int days_ago, uint64_t bytes,
                std::optional<absl::Time> expires = std::nullopt) {
    stock_.artifacts.push_back({.pipeline = pipeline,
                                .id = std::to_string(stock_.artifacts.size() + 1),
                                .created = kNow - days_ago * kDay,
                                .expires = expires,
                                .bytes = bytes});
  }
  Plan Run() const { return Decide(stock_, policy_, kNow); }
  std::vector<int64_t> Pipelines(const Plan& plan) const {
    std::vector<int64_t> ids;
    for (const Removal& r : plan.pipelines) ids.push_back(stock_.pipelines[r.index].id.value());
    return ids;
  }
  static std::vector<size_t> Indexes(const std::vector<Removal>& removals) {
    std::vector<size_t> indexes;
    for (const Removal& r : removals) indexes.push_back(r.index);
    return indexes;
  }

  Stock stock_;
  Policy policy_;
};

TEST_F(DecideTest, RemovesWhatIsPastItsAgeTheOldestFirst) {
  Pipeline(400);
  Pipeline(500);
  Pipeline(100);
  Pipeline(1);
  const Plan plan = Run();
  EXPECT_THAT(Pipelines(plan), ElementsAre(2, 1));
  EXPECT_EQ(plan.pipelines[0].limit, "keep-pipelines 365 days");
  EXPECT_EQ(plan.next, kNow + 265 * kDay);
}

TEST_F(DecideTest, WhatWaitsForAPersonGoesByItsAgeAndKeepsItsLogsAndArtifactsUntilThen) {
  const auto waits = [this](int days_ago) -> PipelineItem& {
    PipelineItem& item = Pipeline(days_ago);
    item.finished = false;
    item.waiting = true;
    return item;
  };
  waits(400);                // 1: goes
  waits(390).pinned = true;  // 2
  waits(300);                // 3: too young
  Trace(PipelineId(3), 300, 1000);
  Artifact(PipelineId(3), 300, 1000);
  waits(380);  // 4: the newest
  policy_.farm.pipelines.bytes = 1;
  const Plan plan = Run();
  EXPECT_THAT(Pipelines(plan), ElementsAre(1));
  EXPECT_EQ(plan.next, kNow + 65 * kDay);
  EXPECT_THAT(plan.traces, IsEmpty());
  EXPECT_THAT(plan.artifacts, IsEmpty());
}

TEST_F(DecideTest, KeepsWhatRunsWhatIsPinnedAndTheNewestOfEachRef) {
  Pipeline(900, true);                         // 1: an older success: goes
  Pipeline(800, true);                         // 2: the newest success of main
  Pipeline(790).finished = false;              // 3: runs
  Pipeline(780).pinned = true;                 // 4
  Pipeline(770);                               // 5: goes
  Pipeline(760);                               // 6: the newest of main
  Pipeline(750, true, "old-branch");           // 7: the newest of its branch
  Pipeline(740, true, "main").is_tag = true;   // 8: a tag of that name is another ref
  Pipeline(730, true).project = ProjectId(2);  // 9: another project's
  EXPECT_THAT(Pipelines(Run()), ElementsAre(1, 5));
}

TEST_F(DecideTest, ARunningPipelineIsNotTheNewestThatSucceeded) {
  Pipeline(900, true);
  Pipeline(0).finished = false;
  EXPECT_THAT(Pipelines(Run()), IsEmpty());
}

TEST_F(DecideTest, KeepsAPipelineUntilItsArtifactsExpire) {
  Pipeline(400);
  Pipeline(400);
  Pipeline(400);
  Pipeline(0);
  Artifact(PipelineId(1), 400, 10, absl::InfiniteFuture());
  Artifact(PipelineId(2), 400, 10, kNow + kDay);
  Artifact(PipelineId(3), 400, 10);  // by the setting: holds nothing up
  const Plan plan = Run();
  EXPECT_THAT(Pipelines(plan), ElementsAre(3));
  EXPECT_EQ(plan.next, kNow + kDay);
}

TEST_F(DecideTest, RemovesTracesOfPipelinesThatStay) {
  Pipeline(400);
  Pipeline(100);
  Pipeline(0);
  Trace(PipelineId(1), 400, 10);  // goes with its pipeline
  Trace(PipelineId(2), 100, 10);
  Trace(PipelineId(2), 80, 10);
  Trace(PipelineId(3), 100, 10);  // of the newest
  const Plan plan = Run();
  EXPECT_THAT(Indexes(plan.traces), ElementsAre(1u));
  EXPECT_EQ(plan.traces[0].limit, "keep-traces 90 days");
}

TEST_F(DecideTest, RemovesArtifactsByTheirOwnTimeOrTheSetting) {
  Pipeline(40);
  Pipeline(39, true);
  Pipeline(0);
  Artifact(PipelineId(1), 40, 10);                          // 0: 30 days are over
  Artifact(PipelineId(1), 40, 10, kNow);                    // 1: now
  Artifact(PipelineId(1), 40, 10, kNow + kDay);             // 2: not yet
  Artifact(PipelineId(1), 40, 10, absl::InfiniteFuture());  // 3: never
  Artifact(PipelineId(2), 40, 10, kNow - kDay);  // 4: of the newest that succeeded: stays
  Artifact(PipelineId(3), 5, 10, kNow - kDay);   // 5: of the newest, which failed: goes
  const Plan plan = Run();
  EXPECT_THAT(Indexes(plan.artifacts), ElementsAre(0u, 1u, 5u));
  EXPECT_EQ(plan.artifacts[0].limit, "keep-artifacts 30 days");
  EXPECT_EQ(plan.artifacts[1].limit, "expire_in");
}

TEST_F(DecideTest, MakesRoomFromTheOldestOnWhereTheSizeIsPassed) {
  policy_.farm.traces.bytes = 250;
  for (int days = 5; days >= 0; --days) Pipeline(days);
  for (int64_t id = 1; id <= 6; ++id) Trace(PipelineId(id), static_cast<int>(6 - id), 100);
  const Plan plan = Run();
  EXPECT_THAT(Indexes(plan.traces), ElementsAre(0u, 1u, 2u, 3u));
  EXPECT_EQ(plan.traces[0].limit, "traces-size 250 bytes");
  EXPECT_THAT(plan.crowded, IsEmpty());
}

TEST_F(DecideTest, AProjectsSizeCountsForItAlone) {
  Limits own;
  own.artifacts.bytes = 150;
  policy_.projects[ProjectId(1)] = own;
  Pipeline(5).project = ProjectId(1);
  Pipeline(4).project = ProjectId(2);
  Pipeline(3).project = ProjectId(1);
  Artifact(PipelineId(1), 5, 100);
  Artifact(PipelineId(2), 6, 1000);
  Artifact(PipelineId(3), 3, 100);
  EXPECT_THAT(Indexes(Run().artifacts), ElementsAre(0u));
}

TEST_F(DecideTest, SaysWhenAllThatIsLeftMustStay) {
  policy_.farm.artifacts.bytes = 150;
  Pipeline(5).pinned = true;
  Pipeline(4);
  Artifact(PipelineId(1), 5, 100);
  Artifact(PipelineId(2), 4, 100, absl::InfiniteFuture());
  const Plan plan = Run();
  EXPECT_THAT(plan.artifacts, IsEmpty());
  ASSERT_EQ(plan.crowded.size(), 1u);
  EXPECT_EQ(plan.crowded[0].bytes, 200u);
}

TEST_F(DecideTest, LimitsOfForeverAndUnlimitedRemoveNothing) {
  policy_.farm = {.pipelines = Limit{}, .traces = Limit{}, .artifacts = Limit{}};
  for (int days = 9; days > 0; --days) Pipeline(days * 1000);
  Trace(PipelineId(1), 9000, 1 << 30);
  Artifact(PipelineId(1), 9000, 1 << 30);
  const Plan plan = Run();
  EXPECT_THAT(plan.pipelines, IsEmpty());
  EXPECT_THAT(plan.traces, IsEmpty());
  EXPECT_THAT(plan.artifacts, IsEmpty());
  EXPECT_EQ(plan.next, absl::InfiniteFuture());
}

// Whatever the rows: what must stay stays, and after the removals nothing more is due.
TEST_F(DecideTest, IsDoneAfterOneTimeAndNeverTouchesWhatMustStay) {
  std::mt19937 random(20'261'125);
  const auto roll = [&random](int sides) { return static_cast<int>(random() % unsigned(sides)); };
  for (int round = 0; round < 300; ++round) {
    stock_ = {};
    policy_.farm.traces.bytes = 100u + unsigned(roll(3000));
    policy_.farm.pipelines.bytes = 1000u + unsigned(roll(30'000));
    for (int i = 0, n = 1 + roll(30); i < n; ++i) {
      PipelineItem& item = Pipeline(roll(800), roll(2) == 0, roll(2) == 0 ? "main" : "other");
      item.finished = roll(8) != 0;
      item.succeeded = item.succeeded && item.finished;
      item.pinned = roll(8) == 0;
      for (int t = roll(4); t > 0; --t) Trace(item.id, roll(800), unsigned(roll(300)));
      if (roll(2) == 0) {
        Artifact(item.id, roll(800), unsigned(roll(300)),
                 roll(3) == 0
                     ? std::nullopt
                     : std::optional<absl::Time>(roll(4) == 0 ? absl::InfiniteFuture()
                                                              : kNow + (roll(20) - 10) * kDay));
      }
    }
    const Plan plan = Run();
    std::set<PipelineId> gone;
    for (const Removal& removal : plan.pipelines) {
      const PipelineItem& item = stock_.pipelines[removal.index];
      ASSERT_TRUE(item.finished && !item.pinned);
      gone.insert(item.id);
    }
    for (const std::string ref : {"main", "other"}) {
      PipelineId newest, succeeded;
      for (const PipelineItem& item : stock_.pipelines) {
        if (item.ref_name != ref) continue;
        newest = item.id;
        if (item.succeeded) succeeded = item.id;
      }
      ASSERT_FALSE(gone.contains(newest));
      ASSERT_FALSE(gone.contains(succeeded));
    }
    Stock rest;
    for (const PipelineItem& item : stock_.pipelines) {
      if (!gone.contains(item.id)) rest.pipelines.push_back(item);
    }
    const auto keep = [&gone](const auto& items, const std::vector<Removal>& removals, auto& into) {
      for (size_t i = 0; i < items.size(); ++i) {
        const bool removed = std::any_of(removals.begin(), removals.end(),
                                         [i](const Removal& r) { return r.index == i; });
        if (!removed && !gone.contains(items[i].pipeline)) into.push_back(items[i]);
      }
    };
    keep(stock_.traces, plan.traces, rest.traces);
    keep(stock_.artifacts, plan.artifacts, rest.artifacts);
    stock_ = rest;
    const Plan again = Run();
    ASSERT_THAT(again.pipelines, IsEmpty());
    ASSERT_THAT(again.traces, IsEmpty());
    ASSERT_THAT(again.artifacts, IsEmpty());
  }
}

}  // namespace
}  // namespace grange::retention
