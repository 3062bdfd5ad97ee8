#include "common/base/id.h"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

namespace grange {
namespace {

static_assert(!std::is_convertible_v<JobId, AgentId>);
static_assert(!std::is_convertible_v<JobId, int64_t>);
static_assert(!std::is_convertible_v<int64_t, JobId>);

TEST(IdTest, PrintsItsKind) {
  std::ostringstream out;
  out << JobId(812);
  EXPECT_EQ(out.str(), "job#812");
  EXPECT_EQ(AgentId(3).ToString(), "agent#3");
}

TEST(IdTest, NoneIsNotSet) {
  EXPECT_FALSE(JobId().is_set());
  EXPECT_TRUE(JobId(1).is_set());
}

TEST(AssignmentTest, DiffersInEachOfItsParts) {
  const Assignment one{.job = JobId(1), .attempt = 1, .fence = Fence{5}};
  EXPECT_EQ(one, (Assignment{.job = JobId(1), .attempt = 1, .fence = Fence{5}}));
  EXPECT_NE(one, (Assignment{.job = JobId(2), .attempt = 1, .fence = Fence{5}}));
  EXPECT_NE(one, (Assignment{.job = JobId(1), .attempt = 2, .fence = Fence{5}}));
  EXPECT_NE(one, (Assignment{.job = JobId(1), .attempt = 1, .fence = Fence{6}}));
  EXPECT_EQ(one.ToString(), "job#1/1@5");
}

}  // namespace
}  // namespace grange
