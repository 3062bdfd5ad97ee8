#include "tools/bench/measure/measurement.h"

#include "gtest/gtest.h"

namespace grange::bench {
namespace {

FigureResult Result(Goal goal, double grange, std::optional<double> floor = {}) {
  FigureResult result{.figure = {.name = "p50", .unit = "ms", .goal = goal},
                      .grange = {.min = 0, .median = grange, .max = 1000},
                      .floor = {}};
  if (floor.has_value()) result.floor = Spread{.min = 0, .median = *floor, .max = 1000};
  return result;
}

TEST(MeasurementTest, JudgesAGoalByMedians) {
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kAtMost, 10}, 10)), true);
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kAtMost, 10}, 10.1)), false);
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kAtLeast, 10}, 10)), true);
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kAtLeast, 10}, 9.9)), false);
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kFloorPlusAtMost, 8}, 12, 4)), true);
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kFloorPlusAtMost, 8}, 12.1, 4)), false);
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kRatioAtMost, 2}, 9, 4)), false);
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kRatioAtLeast, 0.5}, 2, 4)), true);
}

TEST(MeasurementTest, DoesNotMeetAGoalThatNeedsAFloorWithoutOne) {
  EXPECT_EQ(MeetsGoal(Result({Goal::Kind::kRatioAtLeast, 0.5}, 2)), false);
}

TEST(MeasurementTest, HasNoVerdictWithoutAGoal) {
  EXPECT_EQ(MeetsGoal(Result({}, 2, 4)), std::nullopt);
}

// Counts what it is asked for.
class CountingRow : public Row {
 public:
  const Description& description() const override { return description_; }
  absl::StatusOr<Sample> MeasureGrange() override {
    order += "g";
    return Sample{.values = {static_cast<double>(order.size())}};
  }
  absl::StatusOr<Sample> MeasureFloor() override {
    order += "f";
    return Sample{.values = {1}};
  }
  std::string order;

 private:
  const Description description_ = {
      .id = "B0", .title = "nothing", .floor = "", .figures = {{"count", ""}}, .work_unit = ""};
};

TEST(MeasurementTest, MeasuresInTurnsAfterAWarmUpThatDoesNotCount) {
  CountingRow row;

  const absl::StatusOr<RowResult> result = MeasureRow(row, 3);

  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(row.order.substr(0, 4), "gfgf");
  EXPECT_EQ(row.order.size() / 2, 4u + static_cast<size_t>(result->repeated));
  EXPECT_EQ(result->rounds, 3);
  EXPECT_GT(result->figures[0].grange.min, 1);
}

}  // namespace
}  // namespace grange::bench
