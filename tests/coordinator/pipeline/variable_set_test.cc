#include "coordinator/pipeline/variable_set.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

using ::testing::ElementsAre;

TEST(VariableSetTest, KeepsTheFirstPlaceAndTheLastValue) {
  VariableSet set;
  set.PutAll({{"A", "1", true}, {"B", "22", true}, {"A", "333", false}});
  EXPECT_THAT(set.variables(), ElementsAre(Variable{"A", "333", false}, Variable{"B", "22", true}));
  EXPECT_EQ(set.bytes(), 7u);
}

}  // namespace
}  // namespace grange::pipeline
