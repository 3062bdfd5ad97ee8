#include "common/base/source_span.h"

#include <gtest/gtest.h>

namespace grange {
namespace {

TEST(SourceSpanTest, PrintsTheFormThatEditorsJumpTo) {
  EXPECT_EQ((SourceSpan{.file = ".gitlab-ci.yml", .line = 12, .column = 14}).ToString(),
            ".gitlab-ci.yml:12:14");
  EXPECT_EQ((SourceSpan{.file = ".gitlab-ci.yml"}).ToString(), ".gitlab-ci.yml");
}

TEST(SourceSpanTest, SortsByFileThenPlace) {
  EXPECT_LT((SourceSpan{.file = "a.yml", .line = 9}), (SourceSpan{.file = "b.yml", .line = 1}));
  EXPECT_LT((SourceSpan{.file = "a.yml", .line = 2, .column = 9}),
            (SourceSpan{.file = "a.yml", .line = 10, .column = 1}));
}

}  // namespace
}  // namespace grange
