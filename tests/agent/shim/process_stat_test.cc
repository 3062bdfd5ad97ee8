#include "agent/shim/process_stat.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace grange::shim {
namespace {

constexpr char kRest[] =
    " S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 362760 18446744073709551615";

TEST(ProcessStatTest, ReadsALineWhoseNameLooksLikeMore) {
  const auto stat = ParseProcessStat(std::string("12 (a) R 1 2 (b c)") + kRest);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->pid, 12);
  EXPECT_EQ(stat->name, "a) R 1 2 (b c");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->group, 8);
  EXPECT_EQ(stat->session, 9);
  EXPECT_EQ(stat->start_time, 362760U);
}

TEST(ProcessStatTest, RefusesOtherLines) {
  for (const char* line : {"", "12", "12 (a", "12 a)", ")(", "x (a) S 1 2 3", "12 (a) S 1 2 3 4"}) {
    EXPECT_EQ(ParseProcessStat(line).has_value(), false) << line;
  }
}

TEST(ProcessStatTest, FindsThisProcess) {
  const auto self = ReadProcessStat(getpid());
  ASSERT_TRUE(self.has_value());
  EXPECT_EQ(self->parent, getppid());
  const std::vector<ProcessStat> all = ListProcesses();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const ProcessStat& process) {
    return process.pid == self->pid && process.start_time == self->start_time;
  }));
}

}  // namespace
}  // namespace grange::shim
