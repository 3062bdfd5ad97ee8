#include "tools/bench/statistics.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace grange::bench {
namespace {

TEST(StatisticsTest, TakesTheMiddleOfAnOddNumberOfValuesAsMedian) {
  EXPECT_DOUBLE_EQ(Quantile({9, 1, 5}, 0.5), 5);
}

TEST(StatisticsTest, TakesTheMeanOfTheTwoMiddleValuesAsMedianOfAnEvenNumber) {
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 0.5), 2.5);
}

TEST(StatisticsTest, InterpolatesAQuantileBetweenNeighbours) {
  EXPECT_DOUBLE_EQ(Quantile({0, 10, 20, 30, 40}, 0.95), 38);
}

TEST(StatisticsTest, GivesTheExtremesAtTheEnds) {
  const Spread spread = SpreadOf({3, 1, 2});

  EXPECT_DOUBLE_EQ(spread.min, 1);
  EXPECT_DOUBLE_EQ(spread.median, 2);
  EXPECT_DOUBLE_EQ(spread.max, 3);
}

TEST(StatisticsTest, HasNoQuantileOfNoValues) { EXPECT_TRUE(std::isnan(Quantile({}, 0.5))); }

}  // namespace
}  // namespace grange::bench
