#include "tools/ctl/key_value.h"

#include <gtest/gtest.h>

#include "tools/ctl/exit_code.h"

namespace grange::ctl {
namespace {

TEST(KeyValueTest, SplitsAtTheFirstEqualsSign) {
  EXPECT_EQ(*ParseKeyValue("--var", "A=b=c"), KeyValue("A", "b=c"));
  EXPECT_EQ(*ParseKeyValue("--var", "_A1="), KeyValue("_A1", ""));
}

TEST(KeyValueTest, RefusesWhatIsNoVariable) {
  for (const char* text : {"A", "=x", "1A=x", "A-B=x", ""}) {
    const absl::StatusOr<KeyValue> parsed = ParseKeyValue("--var", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(ExitCodeOf(parsed.status()), kExitUsage);
  }
}

}  // namespace
}  // namespace grange::ctl
