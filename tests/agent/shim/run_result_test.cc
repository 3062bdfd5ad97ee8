#include "agent/shim/run_result.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace grange::shim {
namespace {

RunResult Example() {
  return {.reason = EndReason::kDiskFull,
          .exit_code = 3,
          .signal = 9,
          .trace_bytes = 4,
          .dropped_bytes = 5,
          .duration_us = 6,
          .cpu_us = 7,
          .max_rss_bytes = 8,
          .detail = "why = because"};
}

TEST(RunResultTest, ComesBackAsItWas) {
  EXPECT_EQ(ParseRunResult(FormatRunResult(Example())), Example());
}

TEST(RunResultTest, StandsBehindOtherKeys) {
  EXPECT_EQ(ParseRunResult("pid=1\ngroup=2\n" + FormatRunResult(Example())), Example());
}

TEST(RunResultTest, IsRefusedUnlessItIsWhole) {
  const std::string text = FormatRunResult(Example());
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(ParseRunResult(text.substr(0, length)), std::nullopt) << length;
  }
}

TEST(RunResultTest, IsRefusedWithAnUnknownReasonOrABadNumber) {
  EXPECT_EQ(ParseRunResult("reason=tired\nend=\n"), std::nullopt);
  EXPECT_EQ(ParseRunResult("reason=exited\nexit_code=3x\nend=\n"), std::nullopt);
  EXPECT_EQ(ParseRunResult("exit_code=3\nend=\n"), std::nullopt);
}

TEST(RunResultTest, KeepsTheDetailOnOneLine) {
  RunResult result = Example();
  result.detail = "a\nend=\tb";
  EXPECT_EQ(ParseRunResult(FormatRunResult(result))->detail, "a end= b");
}

}  // namespace
}  // namespace grange::shim
