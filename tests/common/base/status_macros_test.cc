#include "common/base/status_macros.h"

#include <gtest/gtest.h>

#include <memory>

namespace grange {
namespace {

absl::StatusOr<std::unique_ptr<int>> Make(bool works) {
  if (!works) return absl::NotFoundError("no number");
  return std::make_unique<int>(7);
}

absl::StatusOr<int> Twice(bool works) {
  GRANGE_ASSIGN_OR_RETURN(const std::unique_ptr<int> number, Make(works));
  return 2 * *number;
}

absl::Status Check(const absl::Status& status, bool& went_on) {
  GRANGE_RETURN_IF_ERROR(status);
  went_on = true;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, AssignOrReturnGivesTheValueOrLeaves) {
  EXPECT_EQ(*Twice(true), 14);
  EXPECT_EQ(Twice(false).status(), absl::NotFoundError("no number"));
}

TEST(StatusMacrosTest, ReturnIfErrorGoesOnOnlyWhenAllIsWell) {
  bool went_on = false;
  EXPECT_EQ(Check(absl::AbortedError("x"), went_on), absl::AbortedError("x"));
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(Check(absl::OkStatus(), went_on).ok());
  EXPECT_TRUE(went_on);
}

TEST(AnnotateTest, PutsTheContextBeforeTheTextAndKeepsTheCode) {
  EXPECT_EQ(Annotate(absl::NotFoundError("no file"), "while fetching 'a'"),
            absl::NotFoundError("while fetching 'a': no file"));
  EXPECT_TRUE(Annotate(absl::OkStatus(), "while fetching 'a'").ok());
}

}  // namespace
}  // namespace grange
